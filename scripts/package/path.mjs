// The PATH of a machine that has what npm itself needs, and nothing that compiles.
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';

const isCompiler =
  /^(c\+\+|g\+\+|gcc|cc|clang|clang\+\+|nvcc|cmake|make|gmake|ninja|python3?|node-gyp)(-[\d.]+)?$|-(gcc|g\+\+)(-\d+)?$/;

/** A folder of links to all programs but these. */
export function pathWithoutCompilers(folder) {
  mkdirSync(folder);
  for (const from of [path.dirname(process.execPath), '/usr/bin', '/bin']) {
    for (const name of readdirSync(from)) {
      const link = path.join(folder, name);
      if (isCompiler.test(name) || existsSync(link)) continue;
      try {
        symlinkSync(path.join(from, name), link);
      } catch {
        // Two folders may hold the same dangling name.
      }
    }
  }
  return folder;
}
