import { randomUUID } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { SkipscanError } from './errors';

/** Adds bytes, or text as UTF-8, at the end of a file that is being written. */
export type Append = (data: ArrayBufferView | string) => Promise<void>;

/** A writer touches its file every few seconds; one that was not touched for so long is of a process that was killed. */
const abandonedAfterMilliseconds = 3_600_000;

/**
 * Writes a file that is there whole or as it was before: under another name in the same folder, brought to the disk, then renamed.
 * Whoever reads it, also after this process was killed or the machine went down, finds the former contents or the new ones. Of
 * several writers the last stays. A symbolic link is replaced, not followed; the permissions of a file that is replaced stay.
 *
 * @param fill hands over the contents, in order; what it throws is thrown on
 * @throws SkipscanError `ERR_ARGUMENT` where the file cannot be written (`cause` is the system's error); the former one stays
 */
export async function writeAtomically(file: string, fill: (append: Append) => Promise<void>): Promise<void> {
  const directory = path.dirname(file);
  const prefix = `.${path.basename(file)}.`;
  const partial = path.join(directory, `${prefix}${randomUUID()}${partialEnding}`);
  const handle = await orUnwritable(file, () => begin(file, partial));
  try {
    try {
      await fill((data) => orUnwritable(file, () => handle.appendFile(bytesOf(data))));
      await orUnwritable(file, () => handle.sync());
    } finally {
      await handle.close();
    }
    await orUnwritable(file, async () => {
      await rename(partial, file);
      await syncFolder(directory);
    });
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  await removeAbandoned(directory, prefix, partialEnding);
}

/** The same for contents that are there already. */
export function writeWhole(file: string, contents: ArrayBufferView | string): Promise<void> {
  return writeAtomically(file, (append) => append(contents));
}

const partialEnding = '.partial';

/** Removes what processes that were killed have left of files with such names; those that are being written stay. */
export async function removeAbandoned(directory: string, prefix: string, ending: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names.filter((name) => name.startsWith(prefix) && name.endsWith(ending))) {
    const file = path.join(directory, name);
    const touched = await stat(file).then(
      ({ mtimeMs }) => mtimeMs,
      () => Number.POSITIVE_INFINITY,
    );
    if (Date.now() - touched > abandonedAfterMilliseconds) await rm(file, { force: true }).catch(() => {});
  }
}

async function begin(file: string, partial: string): Promise<FileHandle> {
  const former = await stat(file).catch(() => undefined);
  if (former && !former.isFile()) throw new Error('it is there, and is not a file but a folder or a device');
  const handle = await open(partial, 'wx');
  if (former) await handle.chmod(former.mode & 0o7777).catch(() => {});
  return handle;
}

function bytesOf(data: ArrayBufferView | string): Uint8Array {
  return typeof data === 'string'
    ? Buffer.from(data)
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** A new name is on the disk once its folder is; file systems that cannot bring a folder there need not be asked. */
async function syncFolder(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync().catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EINVAL') throw error;
    });
  } finally {
    await handle.close();
  }
}

async function orUnwritable<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const advice = advices.get(code ?? '') ?? 'Choose a file in a folder that can be written to.';
    throw new SkipscanError(
      'ERR_ARGUMENT',
      `${file} cannot be written: ${message}. What was there before is unchanged. ${advice}`,
      { cause },
    );
  }
}

const advices: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', 'Free space on that disk, or write to another.'],
  ['EDQUOT', 'Your share of that disk is used up: free some, or write to another.'],
  ['EFBIG', 'It is larger than this process may write (ulimit -f) or the file system can hold.'],
  ['ENOENT', 'Make the folder first.'],
]);
