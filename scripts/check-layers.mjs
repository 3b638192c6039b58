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
  calls: ['core', 'ops'],
  engine: ['core', 'ops'],
  image: ['core'],
  binding: ['core', 'ops', 'calls', 'cpu', 'cuda', 'engine', 'image'],
};
const cuda = path.join('csrc', 'cuda');
const launcher = path.join(cuda, 'launch.cuh');
const instructions = new Set([path.join(cuda, 'ptx.cuh'), path.join(cuda, 'mma.cuh')]);
const toolkit = new Set(['cuda_runtime.h', 'cuda_runtime_api.h']); // all that is used of it
const emulator = 'simt/cuda_runtime.h'; // stands in for it in tests
const choosers = new Set([launcher, path.join(cuda, 'stream.h')]); // which of the two it is, is decided there
for (const file of sources('csrc', /\.(h|cc|cu|cuh)$/)) {
  const [, folder] = file.split(path.sep);
  if (!(folder in mayInclude))
    errors.push(`${file}: csrc/${folder} has no place in the order of scripts/check-layers.mjs`);
  for (const [text, number] of lines(file)) {
    const included = text.match(/^\s*#include [<"]([^>"]+)/)?.[1];
    const own = text.match(/^\s*#include "([^"/]+)\//)?.[1];
    if (included === emulator) {
      if (!choosers.has(file))
        errors.push(`${file}:${number}: ${emulator} belongs to ${[...choosers].join(' and ')}`);
    } else if (own && own !== folder && !mayInclude[folder]?.includes(own)) {
      errors.push(`${file}:${number}: csrc/${folder} may not include csrc/${own}`);
    }
    if (/^\s*#include [<"]napi\.h/.test(text) && folder !== 'binding') {
      errors.push(`${file}:${number}: napi.h belongs to csrc/binding`);
    }
    if (/^cuda\w*\.h$|\.cuh$/.test(included ?? '') && folder !== 'cuda') {
      errors.push(`${file}:${number}: CUDA headers belong to csrc/cuda`);
    }
    if (
      /^(cuda\w*\.h$|cublas|cub\/|thrust\/|cooperative_groups|mma\.h$)/.test(included ?? '') &&
      !toolkit.has(included)
    ) {
      errors.push(`${file}:${number}: of the CUDA toolkit only ${[...toolkit].join(' and ')} are used`);
    }
    if (folder === 'cuda' && /\basm\b/.test(text) && !instructions.has(file) && !/^\s*\/\//.test(text)) {
      errors.push(
        `${file}:${number}: PTX belongs to ${[...instructions].join(' and ')}, each with a twin in C++`,
      );
    }
    if (text.includes('<<<') && file !== launcher) {
      errors.push(`${file}:${number}: kernels are launched by launch() of csrc/cuda/launch.cuh`);
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
  vision: [],
  plot: [],
  models: ['checkpoints', 'text', 'reduction', 'vision'],
  ops: [],
  evaluation: ['checkpoints', 'text', 'reduction', 'vision', 'models', 'plot'],
  api: ['checkpoints', 'text', 'reduction', 'models', 'evaluation'],
  diagnosis: ['checkpoints', 'models', 'vision'],
  cli: ['checkpoints', 'text', 'reduction', 'vision', 'models', 'ops', 'plot', 'evaluation', 'diagnosis'],
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
