import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type LanguageModel, loadLanguageModel, ltmp, prune, recent, type VisionModel } from '../../lib';
import { SkipscanError } from '../../lib/errors';
import { continuationTask, imagesTask, runTask, textTask } from '../../lib/evaluation';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const heldOut = path.resolve(__dirname, '../../scripts/bench/data/held-out.txt');
const reduction = prune({ layers: [1, 3], flopsReduction: 0.2 });
let model: LanguageModel;
beforeAll(async () => {
  model = await loadLanguageModel(path.resolve(__dirname, '../../models/tiny-mamba2'), { device: 'cpu' });
});
afterAll(() => model.dispose());

describe('images', () => {
  const folder = path.resolve(__dirname, '../../models/tiny-vim/samples');
  const images = ['arrow.png', 'crescent.jpg', 'cross.png', 'heart.jpg', 'star.png'].map((name, label) => ({
    file: path.join(folder, name),
    label,
  }));

  /** The mean of the pixels says which image it is; `asked` notes the passes. */
  function countingModel(asked: string[]) {
    const forward = async (
      _pixels: Float32Array,
      [count]: number[],
      { reduction }: { reduction?: unknown },
    ) => {
      asked.push(`${count} ${reduction ? 'reduced' : 'dense'}`);
      // The first class is always right when dense; with a reduction the last one is.
      const logits = Float32Array.from({ length: 6 * count }, (_, i) => (reduction ? i % 6 : 6 - (i % 6)));
      return {
        logits,
        numClasses: 6,
        kept: [],
        stats: { flops: count * (reduction ? 6 : 10), denseFlops: count * 10 },
      };
    };
    return { config: { numClasses: 6, imageSize: [16, 16] }, forward } as unknown as VisionModel;
  }

  test('top-1 and top-5, each range once for all reductions', async () => {
    const asked: string[] = [];
    const task = await imagesTask(countingModel(asked), { folder, images });
    const { results } = await runTask(task, { reductions: [undefined, reduction], batchSize: 2 });
    expect(asked).toEqual(['2 dense', '2 reduced', '2 dense', '2 reduced', '1 dense', '1 reduced']);
    expect(results[0].values).toEqual({ top1: [1, 0, 0, 0, 0], top5: [1, 1, 1, 1, 1] });
    expect(results[1].values).toEqual({ top1: [0, 0, 0, 0, 0], top5: [0, 1, 1, 1, 1] });
    expect(results[1].flopsRatio).toBeCloseTo(0.6, 12);
    // In any order, too.
    expect(await task.measure(0, 1, {})).toMatchObject({ values: [{ top1: 1 }] });
    expect(await task.measure(3, 5, {})).toMatchObject({ values: [{ top1: 0 }, { top1: 0 }] });
  });

  test('the digest knows names, classes and the draw, not where the folder is', async () => {
    const digest = async (...[data, o]: [typeof images, object?]) =>
      (await imagesTask(countingModel([]), { folder, images: data }, o)).digest;
    const relabelled = images.map(({ file }) => ({ file, label: 0 }));
    const digests = [
      await digest(images),
      await digest(images.slice(1)),
      await digest(relabelled),
      await digest(images, { limit: 3 }),
    ];
    expect(new Set(digests).size).toBe(4);
    expect(await digest(images, { limit: 5, seed: 3 })).toBe(digests[0]);
  });

  test('what cannot be used is an error', async () => {
    const model = countingModel([]);
    await expect(imagesTask(model, { folder, images: [] })).rejects.toThrow('Expected at least one image');
    const wrong = [{ file: 'a.png', label: 6 }];
    await expect(imagesTask(model, { folder, images: wrong })).rejects.toThrow(
      'Expected a class from 0 to 5 for the label of a.png but received 6.',
    );
    await expect(imagesTask(model, { folder, images }, { limit: 0 })).rejects.toThrow(SkipscanError);
    const missing = path.join(folder, 'missing.png');
    const task = await imagesTask(model, { folder, images: [...images, { file: missing, label: 0 }] });
    await expect(task.measure(0, 2, {})).resolves.toBeDefined();
    await expect(task.measure(4, 6, {})).rejects.toThrow(missing);
  });
});

describe('text', () => {
  test('windows, evenly spaced, cost what score() says', async () => {
    const task = await textTask(model, [heldOut], { windows: 3 });
    const { samples, results } = await runTask(task, { reductions: [undefined, reduction], batchSize: 2 });
    expect(samples).toBe(3);
    expect(task.metrics.map(({ name }) => name)).toEqual(['bits_per_byte']); // tokens are bytes
    const text = readFileSync(heldOut);
    for (const [i, window] of [0, 85, 170].entries()) {
      const tokens = Int32Array.from(text.subarray(448 * window, 448 * (window + 1)));
      for (const { reduction, values } of results) {
        const { total } = await model.score(tokens.subarray(0, 384), tokens.subarray(384), { reduction });
        expect(values.bits_per_byte[i]).toBeCloseTo(-total / Math.LN2 / 64, 6);
      }
    }
    expect(results[0].flopsRatio).toBe(1);
    expect(results[1].flopsRatio).toBeGreaterThan(0.8); // the continuation is not reduced
    expect(results[1].flopsRatio).toBeLessThan(0.9);
    expect(await task.saved(reduction)).toBeGreaterThanOrEqual(0.2);
    expect(await task.saved(reduction)).toBeLessThan(0.21);
  });

  test('several files, shorter windows, the end of a prompt only, the other protocol', async () => {
    const some = files.write('a.txt', 'abcdefghij'.repeat(5));
    const other = files.write('b.txt', '0123456789'.repeat(4));
    const options = { prompt: 20, continuation: 4 };
    const task = await textTask(model, [some, other], options);
    expect(task.samples).toBe(3); // 2 of 50 bytes, 1 of 40: what is left over is not used
    const digests = [task.digest];
    for (const o of [{ lastTokens: 8 }, { protocol: 'paper' as const }, { windows: 2 }]) {
      digests.push((await textTask(model, [some, other], { ...options, ...o })).digest);
    }
    expect(new Set(digests).size).toBe(4);
    const short = await textTask(model, [some], { ...options, lastTokens: 8 });
    const { values } = await short.measure(0, 1, {});
    const bytes = [...Buffer.from('mnopqrst')].map((_, i) => 'cdefghij'.charCodeAt(i));
    const { total } = await model.score(bytes, [...Buffer.from('abcd')]);
    expect(values[0].bits_per_byte).toBeCloseTo(-total / Math.LN2 / 4, 6);
    const paper = await textTask(model, [some], { ...options, protocol: 'paper' });
    const dense = await textTask(model, [some], options);
    const [a, b] = [await paper.measure(0, 2, {}), await dense.measure(0, 2, {})];
    for (const [i, { bits_per_byte }] of a.values.entries())
      expect(bits_per_byte).toBeCloseTo(b.values[i].bits_per_byte, 5);
  });

  test('bytes of characters that windows are cut within are counted once', async () => {
    const file = files.write('umlauts.txt', 'ä'.repeat(30)); // 60 bytes
    const task = await textTask(model, [file], { prompt: 5, continuation: 5 });
    expect(task.samples).toBe(6);
    expect(task.metrics).toHaveLength(1);
  });

  test.each<[string, () => Promise<unknown>, string]>([
    ['no file', () => textTask(model, ['nowhere.txt']), 'nowhere.txt cannot be read'],
    [
      'no UTF-8',
      () => textTask(model, [files.write('latin.txt', Buffer.from('ein\nsch\xf6n\n', 'latin1'))]),
      'latin.txt:2: expected UTF-8 text',
    ],
    [
      'a short text',
      () => textTask(model, [files.write('short.txt', 'short')]),
      'Expected a window of 384 + 64 tokens',
    ],
    [
      'no windows',
      () => textTask(model, [heldOut], { windows: 0 }),
      'Expected a whole number above 0 for windows but received 0.',
    ],
    [
      'no tokenizer',
      () => textTask({ source: 'm' } as LanguageModel, [heldOut]),
      'but m has no tokenizer.json',
    ],
  ])('%s is an error', async (_what, work, message) => {
    await expect(work()).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining(message),
    });
  });
});

describe('continuation', () => {
  const records = [
    { context: 'The President of the United', continuation: ' States' },
    { context: 'abcd ', continuation: 'x' },
    { context: [84, 104, 101], continuation: [32, 80], more: 1 },
  ];
  const write = (name: string, lines: unknown[]) =>
    files.write(
      name,
      lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
    );

  test('records of texts and of ids, as score() scores them', async () => {
    const task = await continuationTask(model, write('some.jsonl', [records[0], '', ...records.slice(1)]));
    expect({ name: task.name, samples: task.samples }).toEqual({ name: 'some', samples: 3 });
    const { results } = await runTask(task, { reductions: [undefined, recent({ layers: [2], keep: 0.5 })] });
    for (const { reduction, values } of results) {
      for (const [i, { context, continuation }] of records.entries()) {
        const { total, greedy } = await model.score(context, continuation, { reduction });
        expect(values.logprob[i]).toBeCloseTo(total, 4);
        expect(values.acc[i]).toBe(Number(greedy));
        expect(values.token_acc[i]).toBeGreaterThanOrEqual(values.acc[i]);
      }
    }
    expect(results[0].values.acc[0]).toBe(1);
    expect(results[0].values.token_acc[1]).toBe(0);
    expect((await continuationTask(model, write('some.jsonl', records), { limit: 2 })).samples).toBe(2);
  });

  test.each<[string, unknown[], string]>([
    ['no record', [''], 'expected at least one record but found none'],
    ['no JSON', [records[0], '{"context": "a",'], ':2: expected JSON but found what is none'],
    ['an array', ['[1]'], ':1: expected an object with the fields of a record'],
    [
      'a missing field',
      ['', { context: 'a' }],
      ':2: expected the field continuation, which is not there or null. Its fields: context.',
    ],
    [
      'a field of another kind',
      [{ context: 'a', continuation: { b: 1 } }],
      ':1: expected a string or a list of numbers in the field continuation but found',
    ],
    ['an empty context', [{ context: [], continuation: 'a' }], ':1: Expected at least one token for context'],
    [
      'an empty continuation',
      [{ context: 'a', continuation: [] }],
      ':1: Expected at least one token for continuation',
    ],
    ['an id that is none', [{ context: [1, 999], continuation: 'a' }], ':1: Expected a token id from 0 to'],
  ])('%s is an error with file and line', async (what, lines, message) => {
    const work = continuationTask(model, write(`${what}.jsonl`, lines));
    await expect(work).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining(message),
    });
    await expect(work).rejects.toMatchObject({ message: expect.stringContaining(`${what}.jsonl`) });
  });
});

test('contexts that are too short for a reduction are read whole, the others reduced', async () => {
  const records = [
    ['abc', 'x'],
    ['The President of the United States', ' is'],
    ['d', 'yz'],
  ];
  const lines = records.map(([context, continuation]) => JSON.stringify({ context, continuation }));
  const file = files.write('short.jsonl', lines.join('\n'));
  const wide = prune({ layers: [1, 3], flopsReduction: 0.3, protectLast: 8 });
  for (const protocol of ['prefill', 'paper'] as const) {
    const task = await continuationTask(model, file, { protocol });
    const [dense, reduced] = (await runTask(task, { reductions: [undefined, wide] })).results;
    const changed = reduced.values.logprob.map((value, i) => value !== dense.values.logprob[i]);
    expect(changed).toEqual([false, true, false]);
    expect(reduced.flopsRatio).toBeLessThan(1);
  }
  const task = await continuationTask(model, file);
  expect(await task.saved(wide)).toBeGreaterThan(0.2);
  expect(await task.saved(wide)).toBeLessThan(0.3);
});

test('what thresholds save is known after reading', async () => {
  const task = await textTask(model, [heldOut], { windows: 4 });
  const at = (pruneBelow: number) => task.saved(ltmp({ layers: [1], pruneBelow, mergeAbove: 1 }));
  expect(await at(-1)).toBe(0);
  const all = await at(1e30);
  expect(all).toBeGreaterThan(0.6);
  const some = await at(0.1);
  expect(some).toBeGreaterThan(0);
  expect(some).toBeLessThan(all);
});
