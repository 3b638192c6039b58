// What is in the tarball: all that users and a build from source need, nothing else, and how large it may be.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect } from './project.mjs';

/** Megabytes. The models that ship are most of the first; kernels for every supported GPU are most of the second. */
const budget = { withoutBinaries: 10, binary: 60 };

const allowed = [
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|SECURITY\.md|binding\.gyp|CMakeLists\.txt)$/,
  /^csrc\/\w+\/(\w+\/)?[\w-]+\.(h|cc|cu|cuh)$/,
  /^dist\/.+\.(js|d\.ts)$/,
  /^docs\/.+\.(md|png|svg)$/,
  /^examples\/(tsconfig\.json|[\w-]+\/[\w.-]+)$/,
  /^models\/.+/,
  /^prebuilds\/(README\.md|\w+-\w+\/skipscan\.(glibc\.|musl\.)?node)$/,
  /^scripts\/(build-native|install)\.js$/,
];
const needed = [
  ...['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE', 'SECURITY.md'],
  ...['docs/install.md', 'docs/api/README.md', 'examples/http-service/main.mjs'],
  ...['CMakeLists.txt', 'binding.gyp', 'scripts/build-native.js', 'scripts/install.js'],
  ...['csrc/binding/addon.cc', 'csrc/cuda/device.cc', 'dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js'],
  ...['models/tiny-mamba2/model.safetensors', 'models/tiny-vim/samples/heart.jpg'],
];

/**
 * @param packed the tarball
 * @param sources the same without binaries
 * @returns a line for people
 */
export function checkContents(root, { size, files }, sources) {
  const names = files.map(({ path: name }) => name);
  const extra = names.filter((name) => !allowed.some((pattern) => pattern.test(name)));
  expect(extra.length === 0, `the tarball has files that nobody needs: ${extra.join(', ')}`);
  const missing = needed.filter((name) => !names.includes(name));
  expect(missing.length === 0, `the tarball lacks ${missing.join(', ')}`);
  // Code whose source is gone, of a build before.
  const stale = names.filter(
    (name) =>
      /^dist\/.*\.js$/.test(name) && !existsSync(path.join(root, name.replace(/^dist(.*)js$/, 'lib$1ts'))),
  );
  expect(stale.length === 0, `the tarball has code without a source: ${stale.join(', ')}`);

  const binaries = files.filter(({ path: name }) => name.endsWith('.node'));
  const bytes = binaries.reduce((sum, file) => sum + file.size, 0);
  expect(binaries.length > 0, 'the tarball has no binary; run: npm run prebuilds');
  for (const { path: name, size } of binaries) {
    expect(size < budget.binary * 1e6, `${name} is larger than ${budget.binary} MB: ${size} bytes`);
  }
  expect(
    sources.size < budget.withoutBinaries * 1e6,
    `the tarball without binaries is larger than ${budget.withoutBinaries} MB: ${sources.size} bytes`,
  );
  return `${files.length} files, ${(size / 1e6).toFixed(1)} MB packed, binary ${(bytes / 1e6).toFixed(1)} MB`;
}
