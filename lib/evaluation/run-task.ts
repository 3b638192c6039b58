import { invalidArgument, mismatch, SkipscanError } from '../errors';
import type { Policy } from '../reduction';
import { Journal, type JournalHeader } from './journal';
import { aggregate, difference, type Estimate } from './statistics';
import type { Measured, Task } from './task';

/** What is measured, in what pieces, and where it is kept. */
export type RunOptions = {
  /** What to measure; undefined is the model without a reduction. Defaults to `[undefined]`. */
  reductions?: readonly (Policy | undefined)[];
  /** Samples that are measured in one piece. Defaults to 8. */
  batchSize?: number;
  /**
   * Where to keep what is done. A run that is interrupted goes on from there when it is called again, and its result is the same
   * to the byte; so the file stays until its caller has stored the result.
   */
  journal?: {
    /** Its path; made where it is not there yet. */
    file: string;
    /** What decides the values besides the task and these options: the model's weights, dtype and backend, and the package's version. */
    identity: JournalHeader;
  };
  /**
   * Called first with what the journal had, then after each piece. One unit is one sample under one reduction.
   */
  onProgress?: (done: number, total: number) => void;
  /** Stops between two pieces, or inside one where the task can; the run rejects with `signal.reason`, and the journal is good. */
  signal?: AbortSignal;
};

/** What one reduction, or none, makes of the samples. */
export type ReductionResult = {
  /** The reduction; absent for the model without one. */
  reduction?: Policy;
  /** The mean of each metric, by its name. */
  metrics: Record<string, Estimate>;
  /** Of a reduction, where the model without one was measured too: to that, with the error of a difference taken sample by sample. */
  difference?: Record<string, Estimate>;
  /** FLOPs of all samples as a share of the dense model's. */
  flopsRatio: number;
  /** Of each metric, sample by sample. */
  values: Record<string, number[]>;
};

/** Nothing in here differs between two runs on one machine and backend. */
export type TaskResult = {
  /** The name of the task. */
  task: string;
  /** The version of the task, where it has one. */
  version?: string;
  /** The hash of its samples and options: results with different ones are not comparable. */
  digest: string;
  /** How many samples were measured. */
  samples: number;
  /** In the order of the reductions. */
  results: ReductionResult[];
};

/** One line of the journal: the samples from `first` up to `last` under the reduction of index `reduction`. */
type Piece = {
  first: number;
  last: number;
  reduction: number;
  flops: number;
  denseFlops: number;
  values: Record<string, number[]>;
};

/**
 * Measures all samples of a task under each of the reductions.
 *
 * @throws SkipscanError `ERR_ARGUMENT` for bad options and a journal that is not this run's, `ERR_NATIVE` for values that are no
 *   numbers, and whatever the task throws; the journal keeps what was done before
 */
export async function runTask(task: Task, o: RunOptions = {}): Promise<TaskResult> {
  const { reductions = [undefined], batchSize = 8 } = o;
  checkCount('batchSize', batchSize);
  checkCount('the number of reductions', reductions.length);
  checkCount(`the number of samples of ${task.name}`, task.samples);
  o.signal?.throwIfAborted();

  await using journal = o.journal && (await openJournal(task, reductions, batchSize, o.journal));
  const pieces: Piece[] = [...(journal?.entries ?? [])];
  const total = task.samples * reductions.length;
  let done = pieces.reduce((sum, { first, last }) => sum + last - first, 0);
  o.onProgress?.(done, total);
  for (const next of pieceList(task.samples, reductions.length, batchSize).slice(pieces.length)) {
    o.signal?.throwIfAborted();
    const { first, last } = next;
    const measured = await task.measure(first, last, {
      reduction: reductions[next.reduction],
      signal: o.signal,
    });
    const piece = { ...next, ...columns(task, next, measured) };
    await journal?.append(piece);
    pieces.push(piece);
    done += last - first;
    o.onProgress?.(done, total);
  }
  const results = reductions.map((reduction, i) => {
    const own = pieces.filter((piece) => piece.reduction === i);
    return resultOf(task, reduction, own);
  });
  return {
    task: task.name,
    ...(task.version !== undefined && { version: task.version }),
    digest: task.digest,
    samples: task.samples,
    results: withDifferences(task, results),
  };
}

/** All the work, in its order: range by range, and in each the reductions. */
function pieceList(samples: number, reductions: number, batchSize: number) {
  const list: Pick<Piece, 'first' | 'last' | 'reduction'>[] = [];
  for (let first = 0; first < samples; first += batchSize) {
    const last = Math.min(first + batchSize, samples);
    for (let reduction = 0; reduction < reductions; reduction += 1) list.push({ first, last, reduction });
  }
  return list;
}

async function openJournal(
  task: Task,
  reductions: NonNullable<RunOptions['reductions']>,
  batchSize: number,
  { file, identity }: NonNullable<RunOptions['journal']>,
): Promise<Journal<Piece>> {
  // The size of a batch is among it because a GPU's kernels are chosen by it, and FLOPs add up in another order.
  const header = {
    ...identity,
    task: task.name,
    digest: task.digest,
    samples: task.samples,
    batchSize,
    reductions: reductions.map((reduction) => reduction ?? 'dense'),
  };
  const journal = await Journal.open<Piece>(file, header);
  const expected = pieceList(task.samples, reductions.length, batchSize);
  const wrong = journal.entries.findIndex(
    (entry, i) =>
      expected[i] === undefined ||
      entry?.first !== expected[i].first ||
      entry.last !== expected[i].last ||
      entry.reduction !== expected[i].reduction ||
      !isMeasured(task, entry),
  );
  if (wrong < 0) return journal;
  await journal[Symbol.asyncDispose]();
  throw new SkipscanError(
    'ERR_ARGUMENT',
    `${file}:${wrong + 2}: this line is not what comes next in the run, as if two runs had written the file. Delete it to start anew.`,
  );
}

/** Whether a line has a number for every sample, as `columns` makes them. */
function isMeasured(task: Task, { first, last, flops, denseFlops, values }: Piece): boolean {
  const isColumn = (column: unknown) =>
    Array.isArray(column) && column.length === last - first && column.every(Number.isFinite);
  return (
    [flops, denseFlops].every(Number.isFinite) && task.metrics.every(({ name }) => isColumn(values?.[name]))
  );
}

/** The values by metric, each a finite number: JSON has no others, and a mean of others says nothing. */
function columns(
  task: Task,
  { first, last }: Pick<Piece, 'first' | 'last'>,
  { values, flops, denseFlops }: Measured,
): Pick<Piece, 'flops' | 'denseFlops' | 'values'> {
  if (values.length !== last - first) {
    throw mismatch(`the values of ${task.name}`, `${last - first} samples`, String(values.length));
  }
  const column = (name: string) =>
    values.map((sample, i) => {
      if (Number.isFinite(sample[name])) return sample[name];
      throw new SkipscanError(
        'ERR_NATIVE',
        `${task.name}: ${name} of sample ${first + i} is ${sample[name]}, where a finite number was expected. The weights are ` +
          "damaged, or their values overflow this dtype. Load the checkpoint with dtype 'f32'.",
      );
    });
  return {
    flops,
    denseFlops,
    values: Object.fromEntries(task.metrics.map(({ name }) => [name, column(name)])),
  };
}

function resultOf(task: Task, reduction: Policy | undefined, pieces: readonly Piece[]): ReductionResult {
  const values = Object.fromEntries(
    task.metrics.map(({ name }) => [name, pieces.flatMap((piece) => piece.values[name])]),
  );
  const sum = (of: 'flops' | 'denseFlops') => pieces.reduce((total, piece) => total + piece[of], 0);
  return {
    reduction,
    metrics: Object.fromEntries(
      task.metrics.map((metric) => [metric.name, aggregate(metric, values[metric.name])]),
    ),
    flopsRatio: sum('flops') / sum('denseFlops'),
    values,
  };
}

function withDifferences({ metrics }: Task, results: readonly ReductionResult[]): ReductionResult[] {
  const dense = results.find(({ reduction }) => !reduction);
  return results.map((result) => {
    if (!dense || !result.reduction) return result;
    const { reduction, metrics: own, ...rest } = result;
    const entries = metrics.map((metric) => {
      const { name } = metric;
      return [name, difference(metric, result.values[name], dense.values[name])] as const;
    });
    return { reduction, metrics: own, difference: Object.fromEntries(entries), ...rest };
  });
}

function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) throw invalidArgument(name, 'a whole number above 0', value);
}
