import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** The reference data lies beside the repository, where it is checked out; tests that need it are skipped elsewhere. */
const referenceDirectory = resolve(__dirname, '../../../shared/reference');

/** Path of reference data such as `lm/mamba1-hf`, or undefined where it is absent. */
export function reference(path: string): string | undefined {
  const full = resolve(referenceDirectory, path);
  return existsSync(full) ? full : undefined;
}

/** Path of a file or folder of `test/fixtures`, which is always there. */
export function fixture(path: string): string {
  return resolve(__dirname, '../fixtures', path);
}
