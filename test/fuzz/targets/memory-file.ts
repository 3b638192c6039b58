import type { FileReader } from '../../../lib/checkpoints/files';
import { badCheckpoint } from '../../../lib/errors';
import { expect } from '../engine/check';

/** A file that is held in memory. Reads are checked as those of a real one, and must be of whole numbers. */
export function memoryFile(contents: Buffer, file = 'file'): FileReader {
  return {
    file,
    size: contents.length,
    async read(offset, length, what) {
      expect(Number.isSafeInteger(length) && length >= 0, `a read of a whole number of bytes, not ${length}`);
      if (offset < 0 || offset + length > contents.length) {
        throw badCheckpoint(
          file,
          `the file is truncated or corrupt: ${what} should end at byte ${offset + length}.`,
        );
      }
      expect(Number.isSafeInteger(offset), `a read at a whole number of bytes, not ${offset}`);
      return contents.subarray(offset, offset + length);
    },
  };
}
