import { stat } from 'node:fs/promises';
import { badCheckpoint, invalidArgument } from '../errors';
import { isWeightsName, openDirectory, openFile } from './directory';
import { downloadCheckpoint, isHubId } from './hub';
import type { Checkpoint, OpenOptions } from './types';

export type { Checkpoint, Manifest, OpenOptions, TensorEntry } from './types';

/**
 * Finds a checkpoint and reads its headers; the weights stay on disk.
 *
 * @param source a directory, a weights file (.safetensors, .bin, .pth, .pt) with config.json beside it, or a hub id
 *   such as `state-spaces/mamba2-130m`. A path that exists wins over a hub id of the same name.
 * @throws SkipscanError ERR_CHECKPOINT when the checkpoint is missing, damaged, or claims what cannot be.
 */
export async function openCheckpoint(source: string, options: OpenOptions = {}): Promise<Checkpoint> {
  if (typeof source !== 'string' || source === '') {
    throw invalidArgument('source', 'a directory, a weights file or a hub id', source);
  }
  options.signal?.throwIfAborted();
  const found = await stat(source).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
    throw badCheckpoint(source, `it cannot be opened: ${cause.message}.`, { cause });
  });
  if (found) return found.isDirectory() ? openDirectory(source) : openFile(source);
  if (!isHubId(source) || isWeightsName(source)) throw missing(source);
  return openDirectory(await downloadCheckpoint(source, options));
}

/** A path never reaches the network, so a mistyped one is not looked up on a server. */
function missing(source: string): Error {
  const home = source.startsWith('~') ? ' "~" is not expanded here; use os.homedir().' : '';
  return badCheckpoint(
    source,
    `there is no such file or directory, and it is not a hub id like "state-spaces/mamba2-130m".${home}`,
  );
}
