import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { watchAllocations } from './engine/allocations';
import { readCorpus, smallestCover } from './engine/corpus';
import { Finding, Fuzzer } from './engine/fuzzer';
import { instrumentFolder } from './engine/instrument';
import { loadTarget } from './targets';

/** What a thread is told, and what it tells. */
export type Order = {
  target: string;
  seed: number;
  /** It ends at whichever comes first. */
  runs: number;
  seconds: number;
  corpus: string;
  /** How many executions have begun, the length of the current input, and the input: what is left when a thread hangs or dies. */
  current: SharedArrayBuffer;
};
export type Result = {
  kind: 'progress' | 'done';
  executions: number;
  seconds: number;
  edges: number;
  /** How many inputs reached something new. */
  corpus: number;
  /** At the end, few of them that reach the same. */
  cover: Uint8Array[];
};
export type Report = Result | { kind: 'finding'; input: Uint8Array; problem: string };

/** Where the input begins in `current`. */
export const currentHeader = 8;

const batch = 500;
const secondsBetweenReports = 20;
const mostKept = { inputs: 24, bytes: 24_000 };

async function work(order: Order, tell: (report: Report) => void): Promise<void> {
  instrumentFolder(path.resolve(__dirname, '../../lib'));
  const target = loadTarget(order.target);
  watchAllocations();
  // Errors are the rule here, and most of their cost is the stack; replaying a finding shows it.
  Error.stackTraceLimit = 0;
  // The tokenizers' library tells of parts that it passes over.
  console.warn = () => {};
  const current = new Int32Array(order.current);
  const bytes = new Uint8Array(order.current, currentHeader);
  const fuzzer = new Fuzzer(target, order.seed, (input) => {
    current[1] = Math.min(input.length, bytes.length);
    bytes.set(input.subarray(0, bytes.length));
    Atomics.add(current, 0, 1);
  });
  const start = performance.now();
  let next = secondsBetweenReports;
  const seconds = () => (performance.now() - start) / 1000;
  const report = (kind: Result['kind']): Result => ({
    kind,
    executions: fuzzer.executions,
    seconds: seconds(),
    edges: fuzzer.coverage.edges,
    corpus: fuzzer.corpus.inputs.length,
    cover: [],
  });
  await fuzzer.begin([
    ...(await target.seeds()),
    ...readCorpus(path.join(order.corpus, order.target)).map(({ input }) => input),
  ]);
  while (fuzzer.executions < order.runs && seconds() < order.seconds) {
    await fuzzer.fuzz(Math.min(batch, order.runs - fuzzer.executions));
    if (seconds() < next) continue;
    tell(report('progress'));
    next = seconds() + secondsBetweenReports;
  }
  const end = report('done');
  const reached = [];
  for (const input of [...fuzzer.corpus.inputs])
    reached.push({ input, features: await fuzzer.featuresOf(input) });
  tell({ ...end, cover: smallestCover(reached, mostKept) });
}

const port = parentPort;
if (port) {
  work(workerData as Order, (report) => port.postMessage(report)).catch((error) => {
    if (!(error instanceof Finding)) throw error;
    port.postMessage({ kind: 'finding', input: error.input, problem: error.message } satisfies Report);
  });
}
