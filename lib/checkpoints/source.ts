import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { badCheckpoint, invalidArgument } from '../errors';
import { downloadFiles, isHubId } from './hub';
import type { FileSelection, OpenOptions } from './types';
import { isWeightsName } from './weights-files';

/** A kind of thing that users name by a directory, a file or a hub id, and how it is opened. */
export type SourceKind<T> = {
  /** The argument that takes it and what it may be, for errors. */
  argument: string;
  expected: string;
  /** A hub id, for errors. */
  example: string;
  /** What to download of a hub repository. */
  files: FileSelection;
  openDirectory(directory: string): Promise<T>;
  openFile(file: string): Promise<T>;
};

/**
 * Opens what a source names. A path that exists wins over a hub id of the same name, and what looks like a path is never
 * taken for a hub id: a mistyped one is not looked up on a server.
 */
export async function openSource<T>(source: string, kind: SourceKind<T>, options: OpenOptions): Promise<T> {
  if (typeof source !== 'string' || source === '') {
    throw invalidArgument(kind.argument, kind.expected, source);
  }
  options.signal?.throwIfAborted();
  const found = await stat(source).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
    throw badCheckpoint(source, `it cannot be opened: ${cause.message}.`, { cause });
  });
  if (found) return found.isDirectory() ? kind.openDirectory(source) : kind.openFile(source);
  if (!isHubId(source) || isWeightsName(source) || extname(source) === '.json') {
    throw missing(source, kind.example);
  }
  return kind.openDirectory(await downloadFiles(source, kind.files, options));
}

function missing(source: string, example: string): Error {
  const home = source.startsWith('~') ? ' "~" is not expanded here; use os.homedir().' : '';
  return badCheckpoint(
    source,
    `there is no such file or directory, and it is not a hub id like "${example}".${home}`,
  );
}
