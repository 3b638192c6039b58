import { readFileSync } from 'node:fs';
import path from 'node:path';
import { addonFile } from '../../lib/native';
import type { TemporaryDirectory } from './temporary';

/** A copy of the addon with other bytes, in a folder that the environment variable `SKIPSCAN_PREBUILD` may name. */
export function alteredAddon(
  files: TemporaryDirectory,
  name: string,
  alter: (bytes: Buffer) => Buffer | string | undefined,
) {
  const bytes = readFileSync(addonFile());
  files.write(path.join(name, 'build', 'Release', 'skipscan.node'), alter(bytes) ?? bytes);
  return path.join(files.path, name);
}

/** Replaces a text wherever it stands, by one as long. */
export function replaceText(bytes: Buffer, from: string, to: string): Buffer {
  if (from.length !== to.length || !bytes.includes(from)) throw new Error(`cannot replace ${from}`);
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at)) bytes.write(to, at, 'latin1');
  return bytes;
}
