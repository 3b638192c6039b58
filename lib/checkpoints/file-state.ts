import { stat } from 'node:fs/promises';
import { badCheckpoint } from '../errors';
import type { FileState } from './types';

/** The state that a file is in now; undefined where there is none. */
export async function fileState(file: string): Promise<FileState | undefined> {
  const found = await stat(file, { bigint: true }).catch(() => undefined);
  return found && { file, size: found.size, modified: found.mtimeNs, inode: found.ino };
}

/**
 * Checks that files are what they were: what was read of them belongs together.
 *
 * @throws SkipscanError `ERR_CHECKPOINT` for the first that was written to, replaced or removed
 */
export async function assertUnchanged(files: readonly FileState[]): Promise<void> {
  for (const before of files) {
    const now = await fileState(before.file);
    const isSame =
      now?.size === before.size && now.modified === before.modified && now.inode === before.inode;
    if (isSame) continue;
    throw badCheckpoint(
      before.file,
      `the file was ${now ? 'changed' : 'removed'} while it was read, so that weights of different states may have been mixed.` +
        ' Load it again when nothing writes to it; replace files of a checkpoint by renaming, not by writing into them.',
    );
  }
}
