// What Linux binaries need of the system's libraries, and that it is no more than docs/install.md promises (the versions of
// lib/diagnosis/system.ts, with which Node.js's own binaries are built). Reads prebuilds/, or the files that are named. Where a
// function raises the need, csrc/binding/old_systems.cc is the place to stand in for it. Needs `npm run build:ts` first.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const { readElf } = require('../dist/diagnosis/elf.js');
const { isOlder } = require('../dist/diagnosis/environment.js');
const { oldest } = require('../dist/diagnosis/system.js');

/** Libraries that every system with a Node.js of glibc has. */
const system = /^(lib(stdc\+\+|gcc_s|m|c|pthread|dl|rt)\.so\.\d+|ld-linux\S*)$/;

/** What is wrong with a binary, and the newest versions that it needs. */
function inspect(file) {
  const { needed, runPath, imports } = readElf(readFileSync(file));
  const errors = needed.filter((library) => !system.test(library)).map((library) => `needs ${library}`);
  if (runPath) errors.push(`looks for libraries in ${runPath}`);
  const newest = {};
  for (const { symbol, version } of imports) {
    if (!version) continue; // of Node.js itself
    const [, library, number] = version.match(/^(\w+?)_([\d.]+)$/) ?? [];
    if (!(library in oldest)) errors.push(`needs ${symbol} of ${version}, which is not known here`);
    else if (isOlder(oldest[library], number)) errors.push(`needs ${symbol} of ${version}`);
    if (library && isOlder(newest[library] ?? '0', number)) newest[library] = number;
  }
  return { errors, newest };
}

const named = process.argv.slice(2);
const files =
  named.length > 0
    ? named
    : readdirSync(path.join(root, 'prebuilds'), { recursive: true })
        .filter((name) => /^linux-.*\.glibc\.node$/.test(name))
        .map((name) => path.join(root, 'prebuilds', name));
if (files.length === 0) {
  console.error('found no binary for Linux in prebuilds/; run: npm run prebuilds');
  process.exit(1);
}
const list = (versions) =>
  Object.entries(versions)
    .map(([library, version]) => `${library} ${version}`)
    .join(', ');
for (const file of files) {
  const { errors, newest } = inspect(file);
  for (const error of errors) console.error(`${file}: ${error}; allowed are ${list(oldest)}`);
  if (errors.length > 0) process.exitCode = 1;
  console.log(`${path.relative(root, file)}: ${errors.length === 0 ? 'ok' : 'FAIL'}, needs ${list(newest)}`);
}
