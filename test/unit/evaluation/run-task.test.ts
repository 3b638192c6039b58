// The runner, with a task that computes nothing: its values say which sample and which reduction they belong to.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type RunOptions, runTask } from '../../../lib/evaluation/run-task';
import type { Task } from '../../../lib/evaluation/task';
import { prune } from '../../../lib/reduction';
import { TemporaryDirectory } from '../../helpers/temporary';

const files = new TemporaryDirectory();
const file = path.join(files.path, 'run.journal');
const identity = { weights: '0123', dtype: 'f32', backend: 'none', skipscan: '1.2.3' };
const reduction = prune({ layers: [0], keep: 0.5 });
const reductions = [undefined, reduction];
beforeEach(() => rmSync(file, { force: true }));

/** `log` notes what is asked for; `before` may fail instead of measuring. */
function fakeTask(o: { log?: string[]; before?: () => void; digest?: string; samples?: number } = {}): Task {
  const value = (i: number, reduced: boolean) => Math.sin(i + (reduced ? 0.1 : 0)) / 3;
  return {
    name: 'fake',
    samples: o.samples ?? 11,
    metrics: [
      { name: 'acc', aggregate: 'mean', better: 'higher', share: true },
      { name: 'perplexity', aggregate: 'perplexity', better: 'lower', share: false },
    ],
    digest: o.digest ?? 'abc',
    async measure(first, last, { reduction, signal }) {
      o.log?.push(`${first}-${last} ${reduction?.name ?? 'dense'}`);
      o.before?.();
      signal?.throwIfAborted();
      const samples = Array.from({ length: last - first }, (_, i) => first + i);
      return {
        values: samples.map((i) => ({ acc: i % 2, perplexity: value(i, !!reduction) })),
        flops: samples.length * (reduction ? 0.7 : 1),
        denseFlops: samples.length,
      };
    },
    saved: async () => 0.3,
  };
}

const run = (task: Task, o: RunOptions = {}) => runTask(task, { reductions, batchSize: 3, ...o });
const journal = { file, identity };

test('every range under every reduction in turn, and the metrics of all samples', async () => {
  const log: string[] = [];
  const progress: number[][] = [];
  const { results, ...rest } = await run(fakeTask({ log }), { onProgress: (...at) => progress.push(at) });
  expect(log).toEqual(['0-3', '3-6', '6-9', '9-11'].flatMap((range) => [`${range} dense`, `${range} prune`]));
  expect(progress.map(([done]) => done)).toEqual([0, 3, 6, 9, 12, 15, 18, 20, 22]);
  expect(rest).toEqual({ task: 'fake', digest: 'abc', samples: 11 });
  const [dense, reduced] = results;
  expect(dense).toMatchObject({ reduction: undefined, flopsRatio: 1 });
  expect(dense.metrics.acc.mean).toBeCloseTo(5 / 11, 12);
  expect(reduced.reduction).toBe(reduction);
  expect(reduced.flopsRatio).toBeCloseTo(0.7, 12);
  expect(reduced.values.acc).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
  const mean = reduced.values.perplexity.reduce((sum, value) => sum + value) / 11;
  expect(reduced.metrics.perplexity.mean).toBeCloseTo(Math.exp(-mean), 12);
});

test('the size of a batch changes nothing but the pieces', async () => {
  const texts = await Promise.all(
    [1, 4, 100].map(async (batchSize) => {
      const { results } = await run(fakeTask(), { batchSize });
      return JSON.stringify(results.map(({ metrics, values }) => ({ metrics, values })));
    }),
  );
  expect(new Set(texts).size).toBe(1);
});

test('interrupted after any piece and resumed, it finds the same to the byte and does nothing twice', async () => {
  const log: string[] = [];
  const whole = JSON.stringify(await run(fakeTask({ log }), { journal }));
  const pieces = [...log];
  for (let stop = 0; stop <= pieces.length; stop += 1) {
    rmSync(file);
    log.length = 0;
    const abort = new AbortController();
    const onProgress = (done: number, total: number) => {
      if (log.length === stop && done < total) abort.abort(new Error('enough'));
    };
    const first = run(fakeTask({ log }), { journal, signal: abort.signal, onProgress });
    if (stop < pieces.length) await expect(first).rejects.toThrow('enough');
    else await first;
    expect(log).toEqual(pieces.slice(0, stop));
    const resumedAt: number[] = [];
    const again = await run(fakeTask({ log }), { journal, onProgress: (done) => resumedAt.push(done) });
    expect(JSON.stringify(again)).toBe(whole);
    expect(log).toEqual(pieces);
    expect(resumedAt).toHaveLength(pieces.length - stop + 1);
  }
});

test('a process that is killed while it writes loses that piece alone, wherever the line is cut', async () => {
  const whole = JSON.stringify(await run(fakeTask(), { journal }));
  const text = readFileSync(file, 'utf8');
  const lines = text.split('\n').length - 1;
  const cuts = [...text.split('\n').keys()].slice(0, lines).flatMap((line) => {
    const start = text
      .split('\n')
      .slice(0, line)
      .reduce((sum, { length }) => sum + length + 1, 0);
    return [start + 1, start + text.split('\n')[line].length];
  });
  for (const cut of [0, ...cuts]) {
    writeFileSync(file, text.slice(0, cut));
    const log: string[] = [];
    expect(JSON.stringify(await run(fakeTask({ log }), { journal }))).toBe(whole);
    const kept = Math.max(0, text.slice(0, cut).split('\n').length - 2); // lines that are complete, without the header
    expect(log).toHaveLength(8 - kept);
    expect(readFileSync(file, 'utf8')).toBe(text);
  }
});

test('what was done before a failure stays', async () => {
  const log: string[] = [];
  const before = () => {
    if (log.length === 4) throw new Error('sample 4 is broken');
  };
  await expect(run(fakeTask({ log, before }), { journal })).rejects.toThrow('sample 4 is broken');
  log.length = 0;
  await run(fakeTask({ log }), { journal });
  expect(log).toEqual(['3-6 prune', '6-9 dense', '6-9 prune', '9-11 dense', '9-11 prune']);
});

test.each<[string, Parameters<typeof fakeTask>[0], RunOptions, string]>([
  [
    'other weights',
    {},
    { journal: { file, identity: { ...identity, weights: '4567' } } },
    'weights is "0123"',
  ],
  ['other samples', { digest: 'xyz' }, {}, 'digest is "abc", and this run\'s is "xyz"'],
  ['another reduction', {}, { reductions: [undefined] }, 'reductions is ["dense",{"name":"prune"'],
  ['another batch', {}, { batchSize: 2 }, "batchSize is 3, and this run's is 2"],
  [
    'something that was not told before',
    {},
    { journal: { file, identity: { ...identity, threads: 2 } } },
    "threads is not there, and this run's is 2",
  ],
])('the journal of a run with %s is left alone', async (_what, task, o, message) => {
  await run(fakeTask(), { journal });
  const text = readFileSync(file, 'utf8');
  await expect(run(fakeTask(task), { journal, ...o })).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining(message),
  });
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test.each<[string, (text: string) => string, string]>([
  ['a line that is not JSON', (text) => text.replace('{"first":3', '{"first":three'), `${file}:4: expected`],
  [
    'a piece that comes twice',
    (text) => `${text}${text.split('\n')[3]}\n`,
    `${file}:10: this line is not what`,
  ],
  ['a piece that is null', (text) => `${text.split('\n')[0]}\nnull\n`, `${file}:2: this line is not what`],
  [
    'a piece without values',
    (text) => text.replace(/"values":.*/, '"values":{}}'),
    `${file}:2: this line is not what`,
  ],
  ['a file that is no journal', () => 'null\n', 'its weights is not there'],
])('%s is an error that names the line', async (_what, damage, message) => {
  await run(fakeTask(), { journal });
  writeFileSync(file, damage(readFileSync(file, 'utf8')));
  await expect(run(fakeTask(), { journal })).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining(message),
  });
});

test('a journal that cannot be written is an error before any work', async () => {
  const log: string[] = [];
  const missing = { file: path.join(files.path, 'no', 'such', 'folder'), identity };
  await expect(run(fakeTask({ log }), { journal: missing })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  expect(log).toEqual([]);
});

test('a value that is no number is an error that names its sample, and is not kept', async () => {
  const task = fakeTask();
  const broken: Task = {
    ...task,
    async measure(first, last, o) {
      const measured = await task.measure(first, last, o);
      return {
        ...measured,
        values: measured.values.map((values, i) =>
          first + i === 7 ? { ...values, acc: Number.NaN } : values,
        ),
      };
    },
  };
  await expect(run(broken, { journal })).rejects.toMatchObject({
    code: 'ERR_NATIVE',
    message: expect.stringContaining('fake: acc of sample 7 is NaN'),
  });
  expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(1 + 4 + 1); // header, 0-3 and 3-6 twice, the end
});

test('without a journal nothing is written', async () => {
  await run(fakeTask());
  expect(existsSync(file)).toBe(false);
});

test.each<[string, () => Promise<unknown>, string]>([
  ['half a batch', () => run(fakeTask(), { batchSize: 0.5 }), 'for batchSize but received 0.5'],
  ['no reductions', () => run(fakeTask(), { reductions: [] }), 'for the number of reductions but received 0'],
  ['no samples', () => run(fakeTask({ samples: 0 })), 'for the number of samples of fake but received 0'],
])('%s are an error', async (_what, work, message) => {
  await expect(work()).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining(message),
  });
});
