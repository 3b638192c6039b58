// The language tasks on the small model that ships with the package, against lm-evaluation-harness with the same model and records:
// scripts/reference/make_task_goldens.py.
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type LanguageModel, loadLanguageModel, utrc } from '../../lib';
import { type LanguageTaskName, languageTask, languageTaskNames, runTask } from '../../lib/evaluation';
import { readRecords } from '../../lib/evaluation/records';
import { questionItems } from '../../lib/evaluation/tasks/items';
import { definitionOf } from '../../lib/evaluation/tasks/registry';
import { scoreBatch } from '../../lib/models/score-batch';
import { TemporaryDirectory } from '../helpers/temporary';

type Golden = {
  version: string;
  metrics: Record<string, number>;
  samples: { answers: [number, boolean][]; acc: number; acc_norm?: number; perplexity?: number }[];
};
const data = path.resolve(__dirname, '../fixtures/tasks');
const goldens: Record<LanguageTaskName, Golden> = JSON.parse(
  readFileSync(path.join(data, 'golden.json'), 'utf8'),
).tasks;
const files = new TemporaryDirectory();
const reduction = utrc({ layers: [1, 3], flopsReduction: 0.2 });

let model: LanguageModel;
beforeAll(async () => {
  model = await loadLanguageModel(path.resolve(__dirname, '../../models/tiny-mamba2'), { device: 'cpu' });
});
afterAll(() => model.dispose());

test('there is a golden of every task', () => {
  expect(Object.keys(goldens)).toEqual(languageTaskNames);
});

describe.each(languageTaskNames)('%s', (name) => {
  const golden = goldens[name];

  test('log-probabilities of every choice', async () => {
    const definition = definitionOf(name);
    expect(definition.version).toBe(golden.version);
    const records = await readRecords([path.join(data, `${name}.jsonl`)]);
    expect(records).toHaveLength(golden.samples.length);
    for (const [i, record] of records.entries()) {
      const { items, places } = questionItems(model.tokenizer!, definition.question(record));
      const scored = await scoreBatch(model, items);
      const answers = places.map(([item, continuation]) => scored[item].scores[continuation]);
      expect(answers.map(({ greedy }) => greedy)).toEqual(
        golden.samples[i].answers.map(([, greedy]) => greedy),
      );
      for (const [c, [logprob]] of golden.samples[i].answers.entries()) {
        // Two float32 implementations of six layers, and sums of up to a hundred tokens.
        expect(Math.abs(answers[c].total - logprob)).toBeLessThan(1e-5 * Math.abs(logprob) + 1e-4);
      }
    }
  });

  test('what is counted of every sample, and the metrics with their errors', async () => {
    const { results, samples } = await runTask(await languageTask(model, name, { data }), { batchSize: 3 });
    expect(samples).toBe(golden.samples.length);
    const [{ metrics, values }] = results;
    expect(values.acc).toEqual(golden.samples.map(({ acc }) => acc));
    expect(Object.keys(metrics).sort()).toEqual(
      Object.keys(golden.metrics)
        .filter((key) => !key.endsWith('_stderr'))
        .sort(),
    );
    if (values.acc_norm) expect(values.acc_norm).toEqual(golden.samples.map(({ acc_norm }) => acc_norm));
    for (const [metric, { mean, standardError }] of Object.entries(metrics)) {
      expect(mean / golden.metrics[metric] || 1).toBeCloseTo(1, 4);
      if (metric !== 'perplexity') expect(standardError).toBeCloseTo(golden.metrics[`${metric}_stderr`], 12);
    }
  });

  test('without a reduction both protocols score the same, to the bit', async () => {
    const [prefill, paper] = await Promise.all(
      (['prefill', 'paper'] as const).map(async (protocol) =>
        runTask(await languageTask(model, name, { data, protocol }), { batchSize: 2 }),
      ),
    );
    expect(paper.results[0].values).toEqual(prefill.results[0].values);
    expect(paper.results[0].metrics).toEqual(prefill.results[0].metrics);
  });
});

test('parquet files hold the same as JSONL', async () => {
  for (const name of ['arc_easy', 'hellaswag'] as const) {
    const [lines, rows] = await Promise.all(
      [data, path.join(data, 'parquet')].map((folder) => languageTask(model, name, { data: folder })),
    );
    expect(rows.digest).toBe(lines.digest);
    expect(rows.samples).toBe(lines.samples);
  }
});

test('a limit takes the first records; whatever decides the values is in the digest', async () => {
  const digest = async (o: Parameters<typeof languageTask>[2]) =>
    (await languageTask(model, 'piqa', { data, ...o })).digest;
  const two = await languageTask(model, 'piqa', { data, limit: 2 });
  expect(two.samples).toBe(2);
  const digests = [await digest({}), two.digest, await digest({ protocol: 'paper' })];
  expect(new Set(digests).size).toBe(3);
  expect(await digest({})).toBe(digests[0]);
});

describe('with a reduction', () => {
  const run = async (o: Parameters<typeof runTask>[1] = {}, protocol?: 'paper') =>
    JSON.stringify(
      await runTask(await languageTask(model, 'hellaswag', { data, protocol }), {
        reductions: [undefined, reduction],
        batchSize: 2,
        ...o,
      }),
    );

  test('FLOPs are saved, scores are others, and those of the protocols differ', async () => {
    const { results } = JSON.parse(await run());
    const paper = JSON.parse(await run({}, 'paper')).results;
    expect(results[0].flopsRatio).toBe(1);
    expect(results[1].flopsRatio).toBeLessThan(0.95);
    expect(paper[0].values).toEqual(results[0].values);
    const scores = await Promise.all(
      ([undefined, 'prefill', 'paper'] as const).map(async (protocol) => {
        const [record] = await readRecords([path.join(data, 'hellaswag.jsonl')]);
        const { items } = questionItems(model.tokenizer!, definitionOf('hellaswag').question(record));
        const [{ scores }] = await scoreBatch(model, items, { reduction: protocol && reduction, protocol });
        return scores[0].total;
      }),
    );
    expect(new Set(scores).size).toBe(3);
  });

  test.each(['prefill', 'paper'] as const)(
    'a context that is too short for it is read whole, and the others as if it were not there: %s',
    async (protocol) => {
      const measure = async (first: number, last: number) => {
        const task = await languageTask(model, 'lambada_openai', { data, protocol });
        return task.measure(first, last, { reduction });
      };
      const all = await measure(0, 5); // the fourth has no words before the last
      for (const i of [0, 1, 2, 3, 4]) expect((await measure(i, i + 1)).values).toEqual([all.values[i]]);
      const short = await measure(3, 4);
      if (protocol === 'prefill') expect(short.flops).toBe(short.denseFlops);
      expect(all.flops).toBeLessThan(all.denseFlops);
      const task = await languageTask(model, 'lambada_openai', { data });
      expect(await task.saved!(reduction)).toBeGreaterThanOrEqual(0.2);
    },
  );

  test('a policy that does not fit the model is an error nevertheless', async () => {
    const task = await languageTask(model, 'piqa', { data });
    const wrong = utrc({ layers: [6], flopsReduction: 0.1 });
    await expect(task.measure(0, 1, { reduction: wrong })).rejects.toThrow('reduces after layer 6');
    const much = utrc({ layers: [4], flopsReduction: 0.9 });
    await expect(task.measure(0, 1, { reduction: much })).rejects.toThrow('can be saved there');
  });

  test('two runs, and one that was interrupted and resumed, are the same to the byte', async () => {
    const file = path.join(files.path, 'journal');
    const journal = { file, identity: { model: model.fingerprint } };
    const whole = await run();
    expect(await run({ journal })).toBe(whole);
    rmSync(file);
    const abort = new AbortController();
    const onProgress = (done: number) => {
      if (done === 4) abort.abort(new Error('enough'));
    };
    await expect(run({ journal, signal: abort.signal, onProgress })).rejects.toThrow('enough');
    const resumed: number[] = [];
    expect(await run({ journal, onProgress: (done) => resumed.push(done) })).toBe(whole);
    expect(resumed).toEqual([4, 6, 8]);
  });
});

test.each<[string, string, string]>([
  [
    'a missing field',
    '{"goal": "a", "sol1": "b", "label": 0}',
    'expected the field sol2, which is not there',
  ],
  [
    'an empty continuation',
    '{"goal": "a", "sol1": "b", "sol2": " ", "label": 0}',
    'expected text in choice 2',
  ],
  [
    'a label that no choice has',
    '{"goal": "a", "sol1": "b", "sol2": "c", "label": 2}',
    'from 0 to 1 in the field label',
  ],
  ['what is not JSON', '{"goal": "a", ', 'expected JSON'],
])('%s is an error that names file and line, before any work', async (_what, line, message) => {
  const good = readFileSync(path.join(data, 'piqa.jsonl'), 'utf8').split('\n')[0];
  const file = files.write('piqa.jsonl', `${good}\n\n${line}\n`);
  await expect(languageTask(model, 'piqa', { data: file })).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringMatching(new RegExp(`^${file}:3: .*${message}`)),
  });
});
