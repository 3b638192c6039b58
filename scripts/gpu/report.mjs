// Puts together what check.sh and bench.sh have written to a folder: check.json or bench.json, and a table.
//
//   node scripts/gpu/report.mjs check|bench FOLDER
//
// Ends with 1 when a step failed.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { machineFacts, sourceCommit } from '../bench/machine.mjs';

const [kind, folder] = process.argv.slice(2);
if (!['check', 'bench'].includes(kind) || !folder) {
  console.error('Usage: node scripts/gpu/report.mjs check|bench FOLDER');
  process.exit(2);
}

function readJson(name) {
  const file = path.join(folder, `${name}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

/** What nvidia-smi says of the GPUs; undefined where it is absent. */
function gpus() {
  try {
    const query = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'];
    return execFileSync('nvidia-smi', query, { encoding: 'utf8' }).trim().split('\n');
  } catch {
    return undefined;
  }
}

/** The steps that ran or were skipped, with jest's counts where there are some. */
function readSteps() {
  const text = readFileSync(path.join(folder, 'steps.tsv'), 'utf8').trim();
  return text.split('\n').map((line) => {
    const [name, status, seconds, command] = line.split('\t');
    if (status === 'skipped') return { name, skipped: command };
    const step = { name, status: Number(status), seconds: Number(seconds), command };
    const jest = readJson(name);
    if (jest?.numTotalTests !== undefined) {
      step.tests = {
        passed: jest.numPassedTests,
        failed: jest.numFailedTests,
        pending: jest.numPendingTests,
      };
      step.failures = jest.testResults
        .flatMap(({ assertionResults }) => assertionResults)
        .filter((test) => test.status === 'failed')
        .map(({ fullName }) => fullName);
    }
    return step;
  });
}

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const isNumber = rows[0].map((_, column) =>
    rows.slice(1).every((row) => /^[-\d.]*( [x%])?$/.test(row[column])),
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function stepTable(steps) {
  const rows = steps.map((step) => {
    if (step.skipped) return [step.name, 'skipped', '', step.skipped];
    const { passed, failed } = step.tests ?? {};
    const tests = step.tests ? `${passed} passed, ${failed} failed` : '';
    return [step.name, step.status === 0 ? 'ok' : 'FAILED', `${step.seconds} s`, tests];
  });
  return table([['step', 'result', 'time', ''], ...rows]);
}

// ---- benchmark

const sameCase = (a, b) => ['op', 'variant', 'shape', 'dtype'].every((key) => a[key] === b[key]);

/** The kernels' results, each with its peer's where there is one. */
function mergeKernels(kernels, peers) {
  return kernels.results.map((result) => {
    const peer = peers?.results.find((other) => sameCase(other, result) && other.microseconds);
    return peer ? { ...result, peer: { name: peer.peer, microseconds: peer.microseconds } } : result;
  });
}

function kernelTable(results) {
  const header = [
    'operator',
    'variant',
    'shape',
    'dtype',
    'us',
    'floor us',
    'of floor',
    'bound by',
    'peer us',
    'speed-up',
    'route',
  ];
  const rows = results.map((r) => {
    const name = [r.op, r.variant, r.shape, r.dtype];
    if (r.skipped) return [...name, '', '', '', r.skipped, '', '', ''];
    const { median } = r.microseconds;
    const peer = r.peer?.microseconds.median;
    return [
      ...name,
      median.toFixed(1),
      r.floorMicroseconds.toFixed(1),
      `${((100 * r.floorMicroseconds) / median).toFixed(0)} %`,
      r.bound,
      peer ? peer.toFixed(1) : '',
      peer ? `${(peer / median).toFixed(2)} x` : '',
      r.route,
    ];
  });
  return table([header, ...rows]);
}

function modelTable(models) {
  const header = ['model', 'task', 'tokens/s', 'of floor', 'against dense', 'workspace GiB'];
  const rows = models.flatMap(({ shape, results }) =>
    results.map((r) => [
      shape,
      r.task,
      r.failed ?? r.tokensPerSecond.median.toFixed(0),
      r.share ? `${(100 * r.share).toFixed(0)} %` : '',
      r.speedUp ? `${r.speedUp.toFixed(2)} x` : '',
      r.workspaceBytes ? (r.workspaceBytes / 2 ** 30).toFixed(2) : '',
    ]),
  );
  return table([header, ...rows]);
}

const steps = readSteps();
const report = {
  date: new Date().toISOString(),
  machine: machineFacts(),
  gpus: gpus(),
  commit: sourceCommit(import.meta.dirname),
  steps,
};
console.log(`\n${stepTable(steps)}`);
for (const { name, failures = [] } of steps)
  for (const failure of failures) console.log(`${name}: ${failure}`);
if (kind === 'bench') {
  const kernels = readJson('kernels');
  if (kernels) {
    const peers = readJson('peers');
    Object.assign(report, { device: kernels.device, ceilings: kernels.ceilings, peers: peers?.versions });
    report.kernels = mergeKernels(kernels, peers);
    console.log(`\n${kernelTable(report.kernels)}`);
  }
  report.models = steps.map(({ name }) => readJson(name)).filter((model) => model?.shape);
  report.vision = readJson('vision');
  if (report.models.length) console.log(`\n${modelTable(report.models)}`);
}
const file = path.join(folder, `${kind}.json`);
writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`);
console.log(`\nwritten: ${file}`);
process.exit(steps.some(({ status }) => status) ? 1 : 0);
