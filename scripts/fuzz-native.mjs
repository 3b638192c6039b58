// npm run fuzz:native -- [--runs N] [--seconds N] [--only TARGET] [--corpus FOLDER]
//
// Builds the fuzzers of the native side (test/fuzz-native) with clang's libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer and
// runs each, from the inputs in test/fuzz-native/corpus on: so many times, or so many seconds. Prints for each how often it ran. What
// a fuzzer finds it leaves in build/fuzz/findings, and the status is 1. Inputs that reach new code are kept in FOLDER/TARGET, by
// default in build/fuzz/corpus, and later runs go on from them.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const root = path.resolve(import.meta.dirname, '..');
const targets = ['operators', 'weights', 'language-model', 'vision-model'];
const build = path.join(root, 'build', 'fuzz');
const { values: options } = parseArgs({
  options: {
    runs: { type: 'string' },
    seconds: { type: 'string' },
    only: { type: 'string' },
    corpus: { type: 'string' },
  },
});

function fail(message, status = 1) {
  console.error(message);
  process.exit(status);
}

function run(command, args, settings = {}) {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...settings,
  });
  return {
    status,
    ended: error?.message ?? signal ?? `status ${status}`,
    output: `${stdout ?? ''}${stderr ?? ''}`,
  };
}

function count(name) {
  if (options[name] === undefined) return undefined;
  const value = Number(options[name]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  return fail(`Expected a whole number from 1 for --${name} but received ${options[name]}.`, 2);
}

/** A clang that links an empty fuzzer with both sanitizers. */
function findClang() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'skipscan-fuzz-'));
  const source = path.join(folder, 'empty.cc');
  writeFileSync(
    source,
    '#include <fuzzer/FuzzedDataProvider.h>\nextern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }\n',
  );
  const newest = Array.from({ length: 10 }, (_, i) => `clang++-${23 - i}`);
  const names = [...(process.env.CXX ? [process.env.CXX] : []), 'clang++', ...newest];
  const works = (name) =>
    run(name, ['-fsanitize=fuzzer,address,undefined', source, '-o', path.join(folder, 'empty')]).status === 0;
  const found = names.find(works);
  rmSync(folder, { recursive: true });
  return (
    found ??
    fail(
      `Found no clang with libFuzzer (tried ${names.join(', ')}). Install clang 14 or newer with its compiler-rt, for example: ` +
        'apt-get install clang-14 libclang-rt-14-dev libstdc++-12-dev',
      2,
    )
  );
}

function buildTargets(clang, chosen) {
  const steps = [
    [
      '-S',
      '.',
      '-B',
      build,
      `-DCMAKE_CXX_COMPILER=${clang}`,
      '-DCMAKE_BUILD_TYPE=Release',
      '-DSKIPSCAN_CUDA=OFF',
    ],
    [
      '--build',
      build,
      '--parallel',
      String(os.availableParallelism()),
      '--target',
      ...chosen.map((t) => `fuzz-${t}`),
    ],
  ];
  for (const args of steps) {
    const { status, output } = run('cmake', args);
    if (status !== 0) fail(`${output.slice(-6000)}\nThe fuzzers could not be built.`);
  }
}

/** Returns whether the target ran to the end. */
function fuzz(target, { runs, seconds }) {
  const findings = path.join(build, 'findings', target);
  mkdirSync(findings, { recursive: true });
  const seeds = path.join(root, 'test', 'fuzz-native', 'corpus', target);
  // What reaches new code goes into the first folder, which is not the one that is committed.
  const kept = path.resolve(options.corpus ?? path.join(build, 'corpus'), target);
  mkdirSync(kept, { recursive: true });
  const { status, ended, output } = run(path.join(build, 'bin', `fuzz-${target}`), [
    ...(runs ? [`-runs=${runs}`] : []),
    ...(seconds ? [`-max_total_time=${seconds}`] : []),
    '-max_len=1024',
    '-len_control=10', // short inputs leave most of what is drawn at its default
    '-timeout=20',
    '-rss_limit_mb=2048',
    '-print_final_stats=1',
    `-artifact_prefix=${findings}/`,
    kept,
    seeds,
  ]);
  const executions = /stat::number_of_executed_units:\s*(\d+)/.exec(output)?.[1] ?? '?';
  const coverage = [...output.matchAll(/cov: (\d+)/g)].at(-1)?.[1] ?? '?';
  console.log(`${target.padEnd(16)}${executions.padStart(10)} executions, ${coverage} edges of code reached`);
  if (status === 0) return true;
  console.error(`${output.slice(-6000)}\n${target}: ended with ${ended}; the input is in ${findings}`);
  return false;
}

const limits = { runs: count('runs'), seconds: count('seconds') };
if (!limits.runs && !limits.seconds) limits.runs = 20000;
const chosen = targets.filter((target) => options.only === undefined || target === options.only);
if (chosen.length === 0)
  fail(`Expected one of ${targets.join(', ')} for --only but received ${options.only}.`, 2);
const clang = findClang();
buildTargets(clang, chosen);
console.log(`fuzzing with ${clang}`);
const fine = chosen.map((target) => fuzz(target, limits));
if (!fine.every(Boolean)) process.exit(1);
