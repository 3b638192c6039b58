import { readFileSync } from 'node:fs';
import path from 'node:path';

/** This package's version. */
export const packageVersion: string = JSON.parse(
  readFileSync(path.resolve(__dirname, '..', 'package.json'), 'utf8'),
).version;
