// Evaluation on image files, with a model that computes nothing: it knows red, green and blue.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { prune } from '../../lib';
import { type EvaluateOptions, evaluate } from '../../lib/evaluation/evaluate';
import { imageBatches } from '../../lib/evaluation/image-batches';
import { openImageFolder } from '../../lib/evaluation/image-folder';
import { rankOf } from '../../lib/evaluation/rank';
import type { VisionForwardOptions, VisionModel } from '../../lib/models/vision-model';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const colours = ['red', 'green', 'blue'];
const side = 8;
const reduction = prune({ layers: [0], keep: 0.5 });

/** Logits are the mean of each channel; with a reduction green and blue change places. `asked` notes the batches. */
function colourModel(asked: string[] = []) {
  const forward = async (
    pixels: Float32Array,
    [images]: readonly number[],
    { reduction }: VisionForwardOptions = {},
  ) => {
    asked.push(`${images} ${reduction?.name ?? 'dense'}`);
    const channel = (i: number, c: number) => pixels[(3 * i + c) * side * side];
    const order = reduction ? [0, 2, 1] : [0, 1, 2];
    return {
      logits: Float32Array.from({ length: 3 * images }, (_, at) =>
        channel(Math.floor(at / 3), order[at % 3]),
      ),
      numClasses: 3,
      kept: [],
      stats: {
        flops: images * (reduction ? 60 : 100),
        denseFlops: images * 100,
        reductionFlops: 0,
        milliseconds: 10,
      },
    };
  };
  return { config: { numClasses: 3, imageSize: [side, side] }, forward } as unknown as VisionModel;
}

/** Files of one colour each, in folders that say which. */
async function images(count: number) {
  const folder = path.join(files.path, `${count}`);
  for (const [c, colour] of colours.entries()) {
    mkdirSync(path.join(folder, colour), { recursive: true });
    for (let i = 0; i < count; i += 1) {
      const [r, g, b] = [0, 1, 2].map((channel) => (channel === c ? 255 : 0));
      const create = { width: 12 + i, height: 10, channels: 3 as const, background: { r, g, b } };
      await sharp({ create })
        .png()
        .toFile(path.join(folder, colour, `${i}.png`));
    }
  }
  return (await openImageFolder(folder, { numClasses: 3, labels: colours })).images;
}

let some: Awaited<ReturnType<typeof images>>;
beforeAll(async () => {
  some = await images(4);
});
const run = (o: EvaluateOptions = {}, asked: string[] = []) => evaluate(colourModel(asked), some, o);

test('what every reduction gets right, in one pass over the images', async () => {
  const asked: string[] = [];
  const progress: number[][] = [];
  const { images, seconds, results } = await run(
    { reductions: [undefined, reduction], batchSize: 5, onProgress: (...state) => progress.push(state) },
    asked,
  );
  expect(images).toBe(12);
  expect(asked).toEqual(['5 dense', '5 prune', '5 dense', '5 prune', '2 dense', '2 prune']);
  expect(progress).toEqual([
    [5, 12],
    [10, 12],
    [12, 12],
  ]);
  const [dense, reduced] = results;
  expect(dense).toMatchObject({ reduction: undefined, top1: { mean: 1, standardError: 0 }, flopsRatio: 1 });
  expect([...dense.ranks]).toEqual(new Array(12).fill(0));
  // Folders are in sorted order: blue, green, red. The reduction takes blue for green, and green for blue.
  expect(reduced.reduction).toBe(reduction);
  expect([...reduced.ranks].map((rank) => Number(rank > 0))).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
  expect(reduced.top1.mean).toBeCloseTo(1 / 3, 12);
  expect(reduced.top1.standardError).toBeCloseTo(Math.sqrt(2 / 9 / 11), 12);
  expect(reduced.top5).toEqual({ mean: 1, standardError: 0 });
  expect(reduced.flopsRatio).toBeCloseTo(0.6, 12);
  expect(reduced.imagesPerSecond).toBe(400); // three passes of 10 ms
  expect(seconds).toBeGreaterThan(0);
});

test('a limit draws images by the seed', async () => {
  const ranks = async (seed: number) => {
    const { images, results } = await run({ reductions: [reduction], limit: 6, seed });
    expect(images).toBe(6);
    return String(results[0].ranks);
  };
  expect(await ranks(1)).toBe(await ranks(1));
  expect(new Set(await Promise.all([1, 2, 3, 4, 5].map(ranks))).size).toBeGreaterThan(1);
});

test('batches hold what files hold, whatever their number', async () => {
  const seen: number[] = [];
  for await (const { pixels, shape, labels } of imageBatches(some, {
    imageSize: [side, side],
    batchSize: 7,
  })) {
    expect(shape).toEqual([labels.length, 3, side, side]);
    expect(pixels).toHaveLength(labels.length * 3 * side * side);
    for (const [i, label] of labels.entries()) {
      const channels = [0, 1, 2].map((c) => pixels[(3 * i + c) * side * side]);
      expect(channels.indexOf(Math.max(...channels))).toBe(label);
    }
    seen.push(...labels);
  }
  expect(seen).toEqual(some.map(({ label }) => label));
});

test('an abort ends it with the reason', async () => {
  const asked: string[] = [];
  const abort = new AbortController();
  const running = run(
    { batchSize: 2, signal: abort.signal, onProgress: () => abort.abort(new Error('enough')) },
    asked,
  );
  await expect(running).rejects.toThrow('enough');
  expect(asked).toEqual(['2 dense']);
});

test('an image that cannot be read is an error that names it, after any number of good ones', async () => {
  const file = path.join(files.path, `${'long '.repeat(20)}name.png`);
  writeFileSync(file, 'no image');
  const broken = [...some, { file, label: 0 }];
  await expect(evaluate(colourModel(), broken, { batchSize: 4 })).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining(file),
  });
});

test.each<[string, () => Promise<unknown>, string]>([
  [
    'no images',
    () => evaluate(colourModel(), []),
    'Expected at least one image for images but received none.',
  ],
  [
    'a class that is not there',
    () => evaluate(colourModel(), [{ file: 'a.png', label: 3 }]),
    'Expected a class from 0 to 2 for the label of a.png but received 3.',
  ],
  ['a batch of nothing', () => run({ batchSize: 0 }), 'for batchSize but received 0.'],
  ['half a limit', () => run({ limit: 1.5 }), 'for limit but received 1.5.'],
])('%s is an error', async (_what, work, message) => {
  await expect(work()).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining(message),
  });
});

test('the rank of a class: equal logits by index, and what is not a number comes first', () => {
  expect([0, 1, 2, 3].map((label) => rankOf([1, 3, 2, 3], label))).toEqual([3, 0, 2, 1]);
  expect(rankOf([5], 0)).toBe(0);
  expect(rankOf([Number.NaN, 1, Number.NaN], 1)).toBe(2);
  expect(rankOf([1, Number.NaN, 0], 1)).toBe(2);
});
