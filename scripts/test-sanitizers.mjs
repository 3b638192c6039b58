// The engine and the addon under sanitizers. Needs g++ with its sanitizers, and for the third check valgrind.
//
//   node scripts/test-sanitizers.mjs [CHECK...]
//
//   threads    the engine's program with many threads (test/engine-program/threads.cc) under ThreadSanitizer
//   address    the same under AddressSanitizer, UndefinedBehaviorSanitizer and LeakSanitizer, then faults.cc, where every allocation
//              fails in turn
//   valgrind   the same without sanitizers under memcheck, whose processor has no AVX-512; left out where there is no valgrind
//   addon      tests of the addon under AddressSanitizer and UndefinedBehaviorSanitizer
//
// Without names, all of them. A report of a sanitizer ends the program that it is about, and so this one with status 1.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

/** Tests of the addon that meet every operator, model and call; a few minutes. */
const addonTests = [
  'test/ops/(backends|binding|causal-conv|goldens|grid|norms|product-rows|reduce|resample|selective|ssd|threads)',
  'test/engine',
  'test/api/(errors|sessions|step-all|worker|vision)',
];

/** Runs a command, shows what it prints, and ends this program with status 1 when it fails. */
function run(command, args, settings = {}) {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...settings },
    stdio: 'inherit',
  });
  if (error || status !== 0) {
    console.error(
      `${command} ${args.join(' ')}: ended with ${error?.message ?? signal ?? `status ${status}`}`,
    );
    process.exit(1);
  }
}

/** Builds a program with the sanitizers of that name, or with none, and returns its path. */
function program(name, sanitizers) {
  const kind = sanitizers ? ['--sanitized', sanitizers] : [];
  run(process.execPath, ['scripts/build-native.js', ...kind, '--program', name]);
  return path.join(root, 'build', sanitizers ? `sanitized-${sanitizers}` : '.', 'cmake', 'bin', name);
}

function hasValgrind() {
  return spawnSync('valgrind', ['--version'], { stdio: 'ignore' }).status === 0;
}

const checks = {
  threads() {
    run(program('engine_threads', 'thread'), [], { TSAN_OPTIONS: 'halt_on_error=1' });
  },
  address() {
    const settings = { ASAN_OPTIONS: 'detect_leaks=1' };
    for (const name of ['engine_threads', 'engine_faults']) run(program(name, 'address'), [], settings);
  },
  valgrind() {
    const options = [
      '--error-exitcode=1',
      '--leak-check=full',
      '--errors-for-leak-kinds=definite,possible',
      '--fair-sched=yes',
    ];
    if (hasValgrind()) run('valgrind', [...options, program('engine_threads'), '--tiny']);
    else console.log('valgrind: not on this machine, left out.');
  },
  addon() {
    run(process.execPath, ['scripts/build-native.js', '--sanitized', 'address']);
    run(process.execPath, ['node_modules/jest/bin/jest.js', ...addonTests], {
      SKIPSCAN_PREBUILD: path.join(root, 'build', 'sanitized-address'),
      LD_PRELOAD: spawnSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).stdout.trim(),
      // Node and V8 give much of their memory back to nobody but the system, at the end: leaks are looked for in the check
      // `address`, where only the engine is. Tests that ask for more memory than there is want an error.
      ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1',
    });
  },
};

const names = process.argv.slice(2);
const unknown = names.find((name) => !(name in checks));
if (unknown) {
  console.error(`Expected some of ${Object.keys(checks).join(', ')} but received ${unknown}.`);
  process.exit(2);
}
for (const name of names.length > 0 ? names : Object.keys(checks)) {
  const start = Date.now();
  checks[name]();
  console.log(`${name}: nothing to report (${((Date.now() - start) / 1000).toFixed(0)} s)`);
}
