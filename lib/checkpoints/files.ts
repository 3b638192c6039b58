import { type FileHandle, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { badCheckpoint, shorten } from '../errors';
import { openRegular } from '../regular-file';

/** An open file that hands out checked ranges of itself. */
export type FileReader = {
  readonly file: string;
  readonly size: number;
  /** Reads exactly `length` bytes; `what` names them in the error when the file ends too early. */
  read(offset: number, length: number, what: string): Promise<Buffer>;
};

/** Opens `file` for the time of `use`. Only regular files: opening a pipe would wait for a writer for ever. */
export async function withFile<T>(file: string, use: (reader: FileReader) => Promise<T>): Promise<T> {
  const { handle, size } = await openFile(file);
  try {
    return await use({ file, size, read: (...range) => readExactly(handle, file, size, ...range) });
  } finally {
    await handle.close();
  }
}

/** True when `file` is a regular file, or a link to one. */
export async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** The path of `name` in `directory`; undefined when there is no such file. */
export async function fileIn(directory: string, name: string): Promise<string | undefined> {
  const path = join(directory, name);
  return (await isFile(path)) ? path : undefined;
}

/** The names of everything in a directory. */
export async function listDirectory(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (cause) {
    throw badCheckpoint(directory, `the directory cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

/** The first names in alphabetical order and how many more there are, for people; empty when there are none. */
export function summarizeNames(names: Iterable<string>): string {
  const sorted = [...names].sort();
  const shown = shorten(sorted.slice(0, 20).join(', '), 500);
  return sorted.length > 20 ? `${shown}, and ${sorted.length - 20} more` : shown;
}

/** One sentence for errors: what a folder holds. */
export function folderContents(names: Iterable<string>): string {
  const shown = summarizeNames(names);
  return shown ? `The folder holds ${shown}.` : 'The folder is empty.';
}

/** How many bytes there are or should be, for people: exact, with thousands separated. */
export function bytes(count: number): string {
  return count === 1 ? '1 byte' : `${count.toLocaleString('en-US')} bytes`;
}

const gitLfsPointer = 'version https://git-lfs';

/** A clone without Git LFS leaves small text files in place of the weights; say so rather than "corrupt". */
export async function rejectGitLfsPointer(reader: FileReader): Promise<void> {
  if (reader.size < gitLfsPointer.length) return;
  const start = await reader.read(0, gitLfsPointer.length, 'the first bytes');
  if (start.toString('latin1') === gitLfsPointer) {
    throw badCheckpoint(
      reader.file,
      'this is a Git LFS pointer, not the weights. Run `git lfs pull` in the repository, or download the file itself.',
    );
  }
}

async function openFile(file: string): Promise<{ handle: FileHandle; size: number }> {
  try {
    return await openRegular(file);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw badCheckpoint(file, 'the file does not exist.', { cause });
    throw badCheckpoint(file, `the file cannot be opened: ${message}.`, { cause });
  }
}

/** Node.js reads no more than 2 GiB in one call. */
const mostAtOnce = 1 << 30;

async function readExactly(
  handle: FileHandle,
  file: string,
  size: number,
  offset: number,
  length: number,
  what: string,
): Promise<Buffer> {
  if (offset < 0 || offset + length > size) {
    throw badCheckpoint(
      file,
      `the file is truncated or corrupt: ${what} should end at byte ${offset + length}, but the file has ${bytes(size)}` +
        ` (${bytes(Math.max(0, offset + length - size))} missing). Download it again.`,
    );
  }
  const buffer = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(buffer, done, Math.min(length - done, mostAtOnce), offset + done);
    if (bytesRead === 0) throw badCheckpoint(file, `the file became shorter while ${what} was read.`);
    done += bytesRead;
  }
  return buffer;
}
