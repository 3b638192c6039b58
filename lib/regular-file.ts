import { constants, type FileHandle, open } from 'node:fs/promises';

/** The longest file that is read whole. Weights are never: they are read piece by piece. */
const mostBytes = 1 << 30;

/**
 * Opens a file for reading. Only regular files: a pipe would be waited for, and a device need not end.
 *
 * @throws Error of the system, or one like it, whose message does not name the file
 */
export async function openRegular(file: string): Promise<{ handle: FileHandle; size: number }> {
  // Without O_NONBLOCK, opening a pipe waits for a writer.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    // Of what was opened, not of the name: it may stand for another thing by now.
    const found = await handle.stat();
    if (found.isDirectory())
      throw Object.assign(new Error('expected a file, found a folder'), { code: 'EISDIR' });
    if (!found.isFile()) throw new Error('expected a file, found a device or a pipe');
    return { handle, size: found.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Reads a file whole, as `openRegular` opens it. */
export async function readRegular(file: string): Promise<Buffer<ArrayBuffer>> {
  const { handle, size: whole } = await openRegular(file);
  try {
    if (whole > mostBytes) throw new Error(`it has ${whole} bytes; at most ${mostBytes} are read`);
    const contents = Buffer.alloc(whole);
    let size = 0;
    while (size < contents.length) {
      const { bytesRead } = await handle.read(contents, size, contents.length - size, size);
      if (bytesRead === 0) break;
      size += bytesRead;
    }
    return contents.subarray(0, size);
  } finally {
    await handle.close();
  }
}
