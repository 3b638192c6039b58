// Who may include or import whom. A file uses only what stands before it in the order of docs/architecture.md, or beside it
// in its own folder. Every rule here is about one line of source, so that an error can name it.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const errors = [];

function* sources(folder, pattern) {
  for (const entry of readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })) {
    const file = path.relative(root, path.join(entry.parentPath, entry.name));
    if (entry.isFile() && pattern.test(file)) yield file;
  }
}

function* lines(file) {
  yield* readFileSync(path.join(root, file), 'utf8')
    .split('\n')
    .map((text, i) => [text, i + 1]);
}

// ---- C++: folder -> folders of csrc that it may include, besides itself
const mayInclude = {
  core: [],
  ops: ['core'],
  cpu: ['core', 'ops'],
  cuda: ['core', 'ops'],
  engine: ['core', 'ops'],
  binding: ['core', 'ops', 'cpu', 'cuda', 'engine'],
};
for (const file of sources('csrc', /\.(h|cc|cu|cuh)$/)) {
  const [, folder] = file.split(path.sep);
  if (!(folder in mayInclude))
    errors.push(`${file}: csrc/${folder} has no place in the order of scripts/check-layers.mjs`);
  for (const [text, number] of lines(file)) {
    const own = text.match(/^\s*#include "([^"/]+)\//)?.[1];
    if (own && own !== folder && !mayInclude[folder]?.includes(own)) {
      errors.push(`${file}:${number}: csrc/${folder} may not include csrc/${own}`);
    }
    if (/^\s*#include [<"]napi\.h/.test(text) && folder !== 'binding') {
      errors.push(`${file}:${number}: napi.h belongs to csrc/binding`);
    }
    if (/^\s*#include [<"]cuda/.test(text) && folder !== 'cuda') {
      errors.push(`${file}:${number}: CUDA headers belong to csrc/cuda`);
    }
    if (/^\s*#include <(immintrin|arm_neon)\.h>/.test(text) && file !== path.join('csrc', 'cpu', 'simd.h')) {
      errors.push(`${file}:${number}: intrinsics belong to csrc/cpu/simd.h`);
    }
  }
}

// ---- TypeScript: the addon is loaded in one place; folders of lib that others may not reach into
const addonLoader = path.join('lib', 'native.ts');
const mayImport = {
  checkpoints: [],
  text: ['checkpoints'],
  reduction: ['models'],
  models: ['checkpoints', 'text', 'reduction'],
  ops: [],
  cli: ['checkpoints', 'text', 'reduction', 'models', 'ops'],
};
for (const file of sources('lib', /\.ts$/)) {
  const parts = file.split(path.sep);
  const folder = parts.length > 2 ? parts[1] : undefined;
  if (folder && !(folder in mayImport))
    errors.push(`${file}: lib/${folder} has no place in the order of scripts/check-layers.mjs`);
  for (const [text, number] of lines(file)) {
    const target = text.match(/(?:from|import\()\s*'([^']+)'/)?.[1];
    if (!target) continue;
    if (/^node-gyp-build|\.node$/.test(target) && file !== addonLoader) {
      errors.push(`${file}:${number}: only ${addonLoader} loads the addon`);
    }
    if (!target.startsWith('.') || !folder) continue;
    const [, imported, ...rest] = path.join(path.dirname(file), target).split(path.sep);
    if (rest.length > 0 && imported !== folder && !mayImport[folder].includes(imported)) {
      errors.push(`${file}:${number}: lib/${folder} may not import lib/${imported}`);
    }
  }
}

for (const error of errors) console.error(error);
console.log(errors.length === 0 ? 'layers: ok' : `layers: ${errors.length} broken`);
process.exit(errors.length === 0 ? 0 : 1);
