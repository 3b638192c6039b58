import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { SkipscanError } from '../../errors';

/**
 * A file of UTF-8 text, without the mark that some programs put at its beginning.
 *
 * @throws SkipscanError `ERR_ARGUMENT` that names the file, and the line where it is no UTF-8
 */
export async function readText(file: string): Promise<string> {
  const bytes = await readBytes(file);
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes);
  throw new SkipscanError(
    'ERR_ARGUMENT',
    `${file}:${firstBadLine(bytes)}: expected UTF-8 text but found other bytes. Convert the file to UTF-8.`,
  );
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new SkipscanError('ERR_ARGUMENT', `${file} cannot be read: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

/** Lines are counted from 1. A character does not go over the end of a line. */
function firstBadLine(bytes: Buffer): number {
  for (let line = 1, start = 0; ; line += 1) {
    const end = bytes.indexOf('\n', start);
    if (end < 0 || !isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
}
