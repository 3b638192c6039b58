// The GPU kernels on the emulated GPU, without JavaScript: every case of every operator (test/helpers/op-cases) in three orders of
// threads, which must write the same bits, on an older chip, and compiled with AddressSanitizer and UndefinedBehaviorSanitizer
// and with ThreadSanitizer.
//
//   node scripts/test-kernels.mjs [--cases FOLDER] [--parallel N]
//
// Records the cases first, unless a folder with recorded ones is given. Needs the addon (npm run build:native) and g++.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const root = path.resolve(import.meta.dirname, '..');
const { values: options } = parseArgs({
  options: {
    cases: { type: 'string' },
    parallel: { type: 'string', default: String(os.availableParallelism()) },
  },
});

/** Runs a command and returns the lines that it printed; nothing but the last is shown unless it fails. */
async function run(title, command, args, settings = {}) {
  const start = Date.now();
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text;
    });
  }
  const [status, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (...how) => resolve(how));
  });
  const seconds = ((Date.now() - start) / 1000).toFixed(0);
  const lines = output.stdout.trimEnd().split('\n');
  if (status !== 0) {
    const interesting = lines.filter((line) => !line.startsWith('ok ')).slice(-40);
    console.error([...interesting, output.stderr.slice(-8000)].join('\n'));
    console.error(`${title}: ended with ${signal ?? `status ${status}`} after ${seconds} s`);
    process.exit(1);
  }
  console.log(`${title}: ${lines.at(-1)} (${seconds} s)`);
  return lines;
}

/** What the tasks give, which are functions; at most --parallel of them are under way. */
async function runAll(tasks) {
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < tasks.length) {
      const i = next++;
      results[i] = await tasks[i]();
    }
  };
  await Promise.all(Array.from({ length: Number(options.parallel) }, worker));
  return results;
}

async function record(folder) {
  const tables = readdirSync(path.join(root, 'test', 'ops'))
    .map((name) => path.join('test', 'ops', name))
    .filter((file) => readFileSync(path.join(root, file), 'utf8').includes('testCases('));
  await run('recording', process.execPath, ['node_modules/jest/bin/jest.js', ...tables], {
    SKIPSCAN_RECORD_CASES: folder,
    SKIPSCAN_TEST_DEVICE: '',
    SKIPSCAN_PREBUILD: '',
  });
  console.log(`recorded ${readdirSync(folder).length} cases`);
}

const folder = options.cases ?? mkdtempSync(path.join(os.tmpdir(), 'skipscan-cases-'));
if (!options.cases) await record(folder);
for (const program of ['replay', 'replay_asan', 'replay_tsan']) {
  const build = ['scripts/build-native.js', '--program', program, '--parallel', options.parallel];
  await run(`building ${program}`, process.execPath, build);
}

const replay =
  (title, program, settings, ...filter) =>
  () =>
    run(title, path.join(root, 'build', 'cmake', 'bin', program), [folder, ...filter], settings);
// Every case has one of these in its name. What takes longest is done in parts, and first.
const dtypes = ['f32', 'bf16', 'f16'];
const orders = ['forward', 'reverse', 'random:7'];
const printed = await runAll([
  // Not f16, whose kernels are those of bf16 with other conversions: this takes longest by far.
  ...dtypes
    .slice(0, 2)
    .map((t) => replay(`ThreadSanitizer, ${t}`, 'replay_tsan', { SIMT_ORDER: 'random:13' }, `.${t}.`)),
  ...dtypes.map((t) =>
    replay(`AddressSanitizer and UBSan, ${t}`, 'replay_asan', { SIMT_ORDER: 'random:11' }, `.${t}.`),
  ),
  replay('compute capability 7.5', 'replay', { SIMT_CAPABILITY: '75' }),
  ...orders.map((order) => replay(`threads ${order}`, 'replay', { SIMT_ORDER: order })),
]);
const [first, ...others] = printed.slice(-orders.length);
for (const [i, lines] of others.entries()) {
  const at = lines.findIndex((line, j) => line !== first[j]);
  if (at >= 0) {
    console.error(`${first[at]}\n${lines[at]}\nThreads in the order ${orders[i + 1]} write other bits.`);
    process.exit(1);
  }
}
if (!options.cases) rmSync(folder, { recursive: true });
console.log('All kernels wrote the same bits in every order, and no sanitizer had anything to report.');
