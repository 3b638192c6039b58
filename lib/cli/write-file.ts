import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

/**
 * Writes a file that appears under its name only when it is complete.
 *
 * @param fill gets a function that appends a Buffer or typed array
 */
export function writeFile(file: string, fill: (write: (data: ArrayBufferView) => void) => void): void {
  const partial = `${file}.partial`;
  const descriptor = openSync(partial, 'w');
  try {
    fill((data) => {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
    });
    closeSync(descriptor);
    renameSync(partial, file);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}
