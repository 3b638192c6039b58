import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { headerBytes, readElfHeader } from './elf';

/**
 * Looks at a binary before it is loaded: one that was cut short would end the process with SIGBUS, and of one for another
 * processor the loader says no more than that it cannot be opened. Only Linux's are looked at.
 *
 * @returns its size in bytes
 * @throws Error with a clause that says what is wrong with it, or the file system's own
 */
export function checkBinaryFile(
  file: string,
  platform: string = process.platform,
  arch: string = process.arch,
): number {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    if (platform !== 'linux') return size;
    const header = Buffer.alloc(headerBytes);
    const read = readSync(descriptor, header, 0, headerBytes, 0);
    const found = readElfHeader(header.subarray(0, read), size);
    if (found.arch !== arch) throw new Error(`it is for ${found.arch} processors`);
    return size;
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`);
  } finally {
    closeSync(descriptor);
  }
}
