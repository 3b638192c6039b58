import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A directory for the tests of one file, removed after them. */
export class TemporaryDirectory {
  readonly path = mkdtempSync(join(tmpdir(), 'skipscan-test-'));

  constructor() {
    afterAll(() => rmSync(this.path, { recursive: true, force: true }));
  }

  /** Writes a file, with the folders its name has, and returns its path. */
  write(name: string, content: string | Uint8Array): string {
    const file = join(this.path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  }

  /** Writes a folder of files and returns its path. */
  writeAll(folder: string, files: Record<string, string | Uint8Array>): string {
    mkdirSync(join(this.path, folder), { recursive: true });
    for (const [name, content] of Object.entries(files)) this.write(join(folder, name), content);
    return join(this.path, folder);
  }
}
