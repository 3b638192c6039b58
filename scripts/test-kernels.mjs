// The GPU kernels on the emulated GPU, without JavaScript: every case of every operator (test/helpers/op-cases) in three orders of
// threads, which must write the same bits, on an older chip, and compiled with AddressSanitizer and UndefinedBehaviorSanitizer
// and with ThreadSanitizer.
//
//   node scripts/test-kernels.mjs [--cases FOLDER] [--parallel N]
//
// Records the cases first, unless a folder with recorded ones is given. Needs the addon (npm run build:native) and g++.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
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

/** Runs a command and returns what it printed; with `quiet` nothing is shown unless it fails. */
function run(title, command, args, settings = {}) {
  const start = Date.now();
  const { status, signal, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...settings },
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  const seconds = ((Date.now() - start) / 1000).toFixed(0);
  const lines = stdout.trimEnd().split('\n');
  if (status !== 0) {
    console.error(
      [...lines.filter((line) => !line.startsWith('ok ')).slice(-40), stderr.slice(-8000)].join('\n'),
    );
    console.error(`${title}: ended with ${signal ?? `status ${status}`} after ${seconds} s`);
    process.exit(1);
  }
  console.log(`${title}: ${lines.at(-1)} (${seconds} s)`);
  return lines;
}

function record(folder) {
  run('recording', process.execPath, ['node_modules/jest/bin/jest.js', 'test/ops'], {
    SKIPSCAN_RECORD_CASES: folder,
    SKIPSCAN_TEST_DEVICE: '',
    SKIPSCAN_PREBUILD: '',
  });
  const count = readdirSync(folder).length;
  console.log(`recorded ${count} cases`);
}

const folder = options.cases ?? mkdtempSync(path.join(os.tmpdir(), 'skipscan-cases-'));
if (!options.cases) record(folder);

for (const program of ['replay', 'replay_asan', 'replay_tsan']) {
  run(`building ${program}`, process.execPath, [
    'scripts/build-native.js',
    '--program',
    program,
    '--parallel',
    options.parallel,
  ]);
}
const replay = (title, program, settings) =>
  run(title, path.join(root, 'build', 'cmake', 'bin', program), [folder], settings);

const orders = ['forward', 'reverse', 'random:7'];
const [first, ...others] = orders.map((order) => replay(`threads ${order}`, 'replay', { SIMT_ORDER: order }));
for (const [i, lines] of others.entries()) {
  const at = lines.findIndex((line, j) => line !== first[j]);
  if (at >= 0) {
    console.error(`${first[at]}\n${lines[at]}\nThreads in the order ${orders[i + 1]} write other bits.`);
    process.exit(1);
  }
}
replay('compute capability 7.5', 'replay', { SIMT_CAPABILITY: '75' });
replay('AddressSanitizer and UndefinedBehaviorSanitizer', 'replay_asan', { SIMT_ORDER: 'random:11' });
replay('ThreadSanitizer', 'replay_tsan', { SIMT_ORDER: 'random:13' });
if (!options.cases) rmSync(folder, { recursive: true });
console.log('All kernels wrote the same bits in every order, and no sanitizer had anything to report.');
