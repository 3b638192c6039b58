#!/usr/bin/env node
// Builds the addon with cmake-js: build/Release/skipscan.node.
//
//   --emulated        instead the addon of the tests whose GPU is emulated, build/emulated/build/Release/skipscan.node, which
//                     is loaded where the environment variable SKIPSCAN_PREBUILD names build/emulated
//   --sanitized KIND  instead the addon with the sanitizers of SKIPSCAN_SANITIZE=KIND (CMakeLists.txt) inside,
//                     build/sanitized-KIND/build/Release/skipscan.node, chosen the same way
//   --program NAME    instead a program of test/, scripts/bench/operators/ or scripts/gpu/bench/, build/cmake/bin/NAME, or
//                     after --sanitized KIND build/sanitized-KIND/cmake/bin/NAME
//
// Other arguments are handed on to cmake-js (for example --parallel 1 or --CDSKIPSCAN_WERROR=ON). The environment variables
// SKIPSCAN_CUDA and SKIPSCAN_CUDA_ARCHS set the options of CMakeLists.txt that have these names.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const root = path.resolve(__dirname, '..');
const args = process.argv.slice(2);
/** The value of an option, which is taken out of the arguments. */
function take(option) {
  const at = args.indexOf(option);
  return at < 0 ? undefined : args.splice(at, 2)[1];
}
const sanitizers = take('--sanitized');
const program = take('--program');
const emulated = args[0] === '--emulated' && args.shift() !== undefined;

const sanitized = path.join(root, 'build', `sanitized-${sanitizers}`);
const outDir = sanitizers ? path.join(sanitized, 'cmake') : path.join(root, 'build', 'cmake');

function fail(message, status = 1) {
  console.error(`skipscan: ${message}`);
  process.exit(status);
}

for (const tool of ['cmake', process.env.CXX || 'c++', 'make']) {
  if (spawnSync(tool, ['--version'], { stdio: 'ignore' }).error) {
    fail(
      `found no '${tool}', which building from source needs. Install cmake (3.20 or newer), a C++20 compiler ` +
        `(g++ 11 or clang 14, or newer) and make (docs/install.md names the packages), then run: node ${__filename}`,
    );
  }
}

function cmakeJs(...args) {
  const program = path.join(path.dirname(require.resolve('cmake-js/package.json')), 'bin', 'cmake-js');
  const { status, error } = spawnSync(process.execPath, [program, ...args], { cwd: root, stdio: 'inherit' });
  if (error || status !== 0) {
    const cause = error ? ` (${error.message})` : '';
    fail(`the native build failed${cause}; the compiler's messages are above.`, status || 1);
  }
}

/** Builds a target of CMakeLists.txt. */
function build(target) {
  const settings = [
    // Sanitizers of the C++ compiler know nothing of GPU kernels, which take long to compile.
    `--CDSKIPSCAN_CUDA=${sanitizers ? 'OFF' : process.env.SKIPSCAN_CUDA || 'AUTO'}`,
    `--CDSKIPSCAN_CUDA_ARCHS=${process.env.SKIPSCAN_CUDA_ARCHS || 'development'}`,
    ...(sanitizers ? [`--CDSKIPSCAN_SANITIZE=${sanitizers}`] : []),
  ];
  // By itself `build` configures only once, and options that changed since would be ignored.
  cmakeJs('configure', '-O', outDir, ...settings, ...args);
  const jobs = args.includes('--parallel') ? [] : ['--parallel', String(os.availableParallelism())];
  cmakeJs('build', '-O', outDir, '--target', target, ...jobs, ...settings, ...args);
}

/** Builds an addon and puts it below a folder, where node-gyp-build looks. */
function buildAddon(target, folder) {
  build(target);
  const built = [path.join(outDir, 'Release'), outDir]
    .map((place) => path.join(place, `${target}.node`))
    .find(fs.existsSync);
  if (!built) fail(`the build ended without making ${target}.node below ${outDir}.`);
  const release = path.join(folder, 'build', 'Release');
  fs.mkdirSync(release, { recursive: true });
  // Not copied over in place: a process that has the old file mapped must not see it change.
  fs.copyFileSync(built, path.join(release, 'skipscan.node.new'));
  fs.renameSync(path.join(release, 'skipscan.node.new'), path.join(release, 'skipscan.node'));
}

if (program) {
  build(program);
} else if (emulated) {
  buildAddon('skipscan_emulated', path.join(root, 'build', 'emulated'));
} else {
  buildAddon('skipscan', sanitizers ? sanitized : root);
}
