#!/usr/bin/env node
// Builds build/Release/skipscan.node with cmake-js. Arguments are handed on to it (for example --CDSKIPSCAN_WERROR=ON).

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const root = path.resolve(__dirname, '..');
const outDir = path.join(root, 'build', 'cmake');

for (const tool of ['cmake', process.env.CXX || 'c++', 'make']) {
  if (spawnSync(tool, ['--version'], { stdio: 'ignore' }).error) {
    console.error(
      `skipscan: found no '${tool}', which building from source needs. Install cmake (3.20 or newer), a C++20 compiler ` +
        `(g++ 11 or clang 14, or newer) and make, then run: npm rebuild skipscan`,
    );
    process.exit(1);
  }
}

const cmakeJs = path.join(path.dirname(require.resolve('cmake-js/package.json')), 'bin', 'cmake-js');
const jobs = String(os.availableParallelism());
const args = [cmakeJs, 'build', '-O', outDir, '--parallel', jobs, ...process.argv.slice(2)];
const { status, error } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
if (error || status !== 0) {
  console.error(
    `skipscan: the native build failed${error ? ` (${error.message})` : ''}; the compiler's messages are above.`,
  );
  process.exit(status || 1);
}

const release = path.join(root, 'build', 'Release');
fs.mkdirSync(release, { recursive: true });
const built = [path.join(outDir, 'Release', 'skipscan.node'), path.join(outDir, 'skipscan.node')].find(
  fs.existsSync,
);
if (!built) {
  console.error(`skipscan: the build ended without making skipscan.node below ${outDir}.`);
  process.exit(1);
}
// Not copied over in place: a process that has the old file mapped must not see it change.
fs.copyFileSync(built, path.join(release, 'skipscan.node.new'));
fs.renameSync(path.join(release, 'skipscan.node.new'), path.join(release, 'skipscan.node'));
