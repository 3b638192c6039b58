import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { nameOf, writeCorpus } from './engine/corpus';
import { loadTarget, targetNames } from './targets';
import { currentHeader, type Order, type Report, type Result } from './worker';

const usage = `npm run fuzz -- [options]

  --target NAME    one of ${targetNames.join(', ')}; all of them without it
  --runs N         executions of each target (default: no limit)
  --seconds N      time for each target (default 60, or no limit with --runs)
  --seed N         another seed makes other inputs (default 1)
  --corpus DIR     inputs to begin with, a folder for each target (default test/fuzz/corpus)
  --save           keep a small set of inputs that reach everything found in that folder
  --findings DIR   where an input that fails is written (default: the current folder)
  --replay FILE    run this one input of --target, and show the error with its stack
`;

/** After so many seconds without an answer the thread is taken to hang. Those that take above a second but end are told by it. */
const secondsUntilHung = 20;
const heapMegabytes = 512;

/** @returns the exit code: 1 when an input made a reader fail, 2 for options that are not right */
export async function main(args: string[]): Promise<number> {
  const { values: o } = parseArgs({
    args,
    options: {
      target: { type: 'string' },
      runs: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string', default: '1' },
      corpus: { type: 'string', default: path.resolve(__dirname, 'corpus') },
      save: { type: 'boolean', default: false },
      findings: { type: 'string', default: '.' },
      replay: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const names = o.target === undefined ? targetNames : [o.target];
  const numbers = [o.runs ?? 1, o.seconds ?? 1, o.seed].map(Number);
  const isKnown = names.every((name) => targetNames.includes(name));
  if (o.help || !isKnown || !numbers.every((n) => n > 0) || (o.replay && names.length !== 1)) {
    process.stderr.write(usage);
    return o.help ? 0 : 2;
  }
  if (o.replay) {
    await loadTarget(names[0]).run(readFileSync(o.replay));
    process.stdout.write(`${names[0]}: ${o.replay} is read, or refused as it should be\n`);
    return 0;
  }
  const seconds = Number(o.seconds ?? (o.runs === undefined ? 60 : Number.POSITIVE_INFINITY));
  const runs = Number(o.runs ?? Number.POSITIVE_INFINITY);
  for (const target of names) {
    const current = new SharedArrayBuffer(currentHeader + (1 << 16));
    const report = await fuzz({ target, seed: Number(o.seed), runs, seconds, corpus: o.corpus, current });
    if (report.kind === 'finding') {
      const file = path.join(o.findings, `finding-${target}-${nameOf(Buffer.from(report.input))}`);
      writeFileSync(file, report.input);
      process.stdout.write(`${target}: FOUND ${report.problem}\n`);
      process.stdout.write(
        `  the input is in ${file}; npm run fuzz -- --target ${target} --replay ${file}\n`,
      );
      return 1;
    }
    if (o.save)
      writeCorpus(
        path.join(o.corpus, target),
        report.cover.map((input) => Buffer.from(input)),
      );
  }
  return 0;
}

/** Runs a target in a thread of its own, so that one that never answers or takes all memory ends as a finding too. */
function fuzz(order: Order): Promise<Report> {
  const worker = new Worker(path.resolve(__dirname, 'worker.cjs'), {
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
  });
  const current = new Int32Array(order.current);
  const interrupted = (problem: string): Report => ({
    kind: 'finding',
    input: new Uint8Array(order.current, currentHeader, current[1]).slice(),
    problem,
  });
  return new Promise<Report>((resolve, reject) => {
    let before = -1;
    const watch = setInterval(() => {
      const now = Atomics.load(current, 0);
      if (now === before && now > 0) resolve(interrupted(`no answer for ${secondsUntilHung} seconds`));
      before = now;
    }, secondsUntilHung * 1000);
    worker.on('message', (report: Report) => {
      if (report.kind !== 'finding') print(order.target, report);
      if (report.kind !== 'progress') resolve(report);
    });
    worker.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY')
        resolve(interrupted(`more than ${heapMegabytes} MB of memory`));
      else reject(error);
    });
    worker.on('exit', () => clearInterval(watch));
  }).finally(() => worker.terminate());
}

function print(target: string, { kind, executions, seconds, edges, corpus }: Result): void {
  const speed = Math.round(executions / seconds).toLocaleString('en-US');
  process.stdout.write(
    `${target}: ${kind === 'done' ? 'done, ' : ''}${executions.toLocaleString('en-US')} executions, ${speed}/s, ` +
      `${edges} edges, corpus of ${corpus}\n`,
  );
}
