import { constants, open } from 'node:fs/promises';

/** The longest file that is read whole. Weights are never: they are read piece by piece. */
const mostBytes = 1 << 30;

/**
 * Reads a file whole. Only regular files: a pipe would be waited for, and a device need not end.
 *
 * @throws Error of the system, or one like it, whose message does not name the file
 */
export async function readRegular(file: string): Promise<Buffer<ArrayBuffer>> {
  // Without O_NONBLOCK, opening a pipe waits for a writer.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (found.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
    if (!found.isFile()) throw new Error('it is not a file but a device or a pipe');
    if (found.size > mostBytes) throw new Error(`it has ${found.size} bytes; at most ${mostBytes} are read`);
    const contents = Buffer.alloc(found.size);
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
