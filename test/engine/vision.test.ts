// Properties of vision models that need no reference: docs/reduction.md, section 8. Shapes are chosen so that nothing is a multiple
// of a vector.
import {
  flops,
  ltmp,
  merge,
  type Policy,
  prune,
  random,
  recent,
  recommended,
  releasedTop,
  releasedUtrc,
  uniform,
  utrc,
  type VisionModel,
} from '../../lib';
import { Random } from '../../lib/text/random';
import { loadTestVisionModel } from '../helpers/load-model';
import { randomImages, randomVisionModel, type VisionShape } from '../helpers/random-vision-model';
import { maxDifference } from '../helpers/read-tensors';
import { TemporaryDirectory } from '../helpers/temporary';
import { batchTolerance } from '../helpers/test-device';

const vim = { embed_dim: 20, depth: 4, img_size: 40, patch_size: 8, num_classes: 7, d_state: 5, dt_rank: 2 };
const plain = {
  embed_dims: 18,
  num_layers: 4,
  img_size: [36, 44],
  patch_size: 8,
  num_classes: 7,
  d_state: 5,
  dt_rank: 2,
  num_convs_patch_embed: 1,
  layers_with_dwconv: [1, 3],
  conv_size: 5,
};
const shapes: [why: string, shape: VisionShape, size: [number, number], tokens: number][] = [
  ['vim', vim, [40, 40], 26],
  ['vim, overlapping patches, summed', { ...vim, stride: 4, if_divide_out: false }, [40, 40], 82],
  ['plainmamba', plain, [36, 44], 30],
  [
    'plainmamba without biases, stem convolutions or depth-wise layers',
    { ...plain, bias: false, num_convs_patch_embed: 0, layers_with_dwconv: [] },
    [36, 44],
    30,
  ],
];
const layers = [0, 2];
const keep = 0.75;
const policies: [string, Policy][] = [
  ['utrc', utrc({ layers, keep })],
  ['utrc, forward, by both branches', utrc({ layers, keep, direction: 'forward', similarity: 'sum' })],
  ['prune', prune({ layers, keep })],
  ['prune, previous', prune({ layers, keep, alignment: 'previous' })],
  ['prune, none, aligned convolution', prune({ layers, keep, alignment: 'none', conv: 'aligned' })],
  ['prune, fuse', prune({ layers, keep, fuse: true })],
  ['prune by l1 of the scan', prune({ layers, keep, importance: { metric: 'l1', source: 'ssm' } })],
  ['prune by l2 of the block', prune({ layers, keep, importance: { metric: 'l2', source: 'block' } })],
  ['prune by sum', prune({ layers, keep, importance: { metric: 'sum' } })],
  ['prune by delta', prune({ layers, keep, importance: { metric: 'delta' } })],
  ['prune by novel', prune({ layers, keep, importance: { metric: 'novel' } })],
  ['prune by novel2', prune({ layers, keep, importance: { metric: 'novel2' } })],
  ['merge', merge({ layers, keep })],
  ['ltmp', ltmp({ layers, pruneBelow: 0.02, mergeAbove: 0.5 })],
  ['uniform', uniform({ layers, keep })],
  ['random', random({ layers, keep, seed: 3 })],
  ['recent', recent({ layers, keep })],
  ['released-utrc', releasedUtrc({ layers, keep })],
];

describe.each(shapes)('%s', (name, shape, [height, width], tokens) => {
  const files = new TemporaryDirectory();
  const draw = new Random(7);
  const isVim = name.startsWith('vim');
  const classPosition = Math.floor((tokens - 1) / 2);
  let model: VisionModel;
  const images = (count: number) => randomImages(draw, count, height, width);
  const run = (pixels: Float32Array, reduction?: Policy, on = model) => {
    const count = pixels.length / (3 * height * width);
    return on.forward(pixels, [count, 3, height, width], { reduction });
  };
  const image = (pixels: Float32Array, b: number) =>
    pixels.subarray(b * 3 * height * width, (b + 1) * 3 * height * width);

  beforeAll(async () => {
    model = await loadTestVisionModel(files.writeAll('model', randomVisionModel(shape)), { threads: 2 });
  });
  afterAll(() => model.dispose());

  test('gives every image of a batch what it gets alone, and different images different results', async () => {
    const pixels = images(11); // more than a tile of rows
    const { logits } = await run(pixels);
    for (let b = 0; b < 11; b += 1) {
      const part = logits.subarray(7 * b, 7 * b + 7);
      expect(maxDifference(part, (await run(image(pixels, b))).logits)).toBeLessThanOrEqual(batchTolerance);
    }
    expect(maxDifference(logits.subarray(0, 7), logits.subarray(7, 14))).toBeGreaterThan(1e-3);
  });

  test('the number of threads changes nothing', async () => {
    await using single = await loadTestVisionModel(`${files.path}/model`, { threads: 1 });
    const pixels = images(3);
    for (const reduction of [undefined, policies[0][1]]) {
      const [a, b] = [await run(pixels, reduction), await run(pixels, reduction, single)];
      expect(maxDifference(a.logits, b.logits)).toBe(0);
    }
  });

  describe.each(policies)('%s', (_policy, policy) => {
    test('keeps what it says, in order, and the class token; images of a batch keep their own', async () => {
      const pixels = images(3);
      const { kept, logits, stats } = await run(pixels, policy);
      expect(kept.map(({ layer }) => layer)).toEqual(layers);
      const different = new Set<string>();
      for (let b = 0; b < 3; b += 1) {
        const alone = await run(image(pixels, b), policy);
        for (const [i, k] of kept.entries()) {
          const positions = [...k.positions.subarray(k.offsets[b], k.offsets[b + 1])];
          expect(positions).toEqual([...alone.kept[i].positions]);
          expect(positions).toEqual([...new Set(positions)].sort((x, y) => x - y));
          if (isVim) expect(positions).toContain(classPosition);
          different.add(`${i}: ${positions}`);
        }
        const part = logits.subarray(7 * b, 7 * b + 7);
        expect(maxDifference(part, alone.logits)).toBeLessThanOrEqual(batchTolerance);
      }
      const blind = ['uniform', 'random', 'recent', 'released-utrc'].includes(policy.name);
      expect(different.size > 2).toBe(!blind);
      const { reduction, ...fewer } = flops(model.config, {
        imageSize: [height, width],
        reduction: policy,
        counts: policy.name === 'ltmp' ? kept.map((k) => k.offsets[1]) : undefined,
      });
      if (policy.name !== 'ltmp') expect(stats.flops).toBe(3 * fewer.total);
      expect(stats.reductionFlops).toBeGreaterThanOrEqual(reduction);
      expect(stats.flops).toBeLessThan(stats.denseFlops + stats.reductionFlops);
    });

    if (policy.name !== 'ltmp') {
      test('keeping all is no reduction, to the bit', async () => {
        const pixels = images(2);
        const { flopsReduction: _, ...all } = { ...policy, keep: 1 } as Policy & { flopsReduction?: number };
        expect((await run(pixels, all as Policy)).logits).toEqual((await run(pixels)).logits);
      });
    }
  });

  test('scores are those of the rows before each reduction, and zero where neighbours were not compared', async () => {
    const shape = [1, 3, height, width] as const;
    const scoresOf = async (metric: 'clip' | 'novel', share: number) => {
      // What an earlier pass has left in the workspace must not show.
      await run(images(1), policies[0][1]);
      const reduction = prune({ layers, keep: share, importance: { metric } });
      return (await model.pass(images(1), shape, { reduction, scores: true })).scores!;
    };
    for (const metric of ['clip', 'novel'] as const) {
      const [first, second] = await scoresOf(metric, keep);
      expect([first.length, second.length]).toEqual([tokens, Math.ceil(keep * tokens)]);
      expect(first.some((score) => score !== 0)).toBe(true);
    }
    expect((await scoresOf('clip', 1))[1].some((score) => score !== 0)).toBe(true);
    for (const scores of await scoresOf('novel', 1)) expect([...scores]).toEqual(Array(tokens).fill(0));
  });

  test('a target in FLOPs is met', async () => {
    const { stats } = await run(images(1), recommended(model.config, { flopsReduction: 0.2 }));
    const dense = flops(model.config, { imageSize: [height, width] });
    const saved = stats.denseFlops - (stats.flops - stats.reductionFlops);
    expect(saved / dense.blocks).toBeGreaterThanOrEqual(0.2);
    expect(saved / dense.blocks).toBeLessThan(0.3);
  });

  test('other sizes work: the position embedding is resized', async () => {
    const [h, w] = [height + 17, width - 9];
    const pixels = randomImages(draw, 2, h, w);
    const { logits } = await model.forward(pixels, [2, 3, h, w], { reduction: policies[3][1] });
    expect(logits.every(Number.isFinite)).toBe(true);
    const again = images(1);
    const before = await run(again);
    await model.forward(pixels, [2, 3, h, w]);
    expect((await run(again)).logits).toEqual(before.logits); // and back
  });

  test('bf16 weights give about the same', async () => {
    await using half = await loadTestVisionModel(`${files.path}/model`, { dtype: 'bf16' });
    const pixels = images(2);
    const [a, b] = [await run(pixels), await run(pixels, undefined, half)];
    expect(maxDifference(a.logits, b.logits)).toBeLessThan(0.1);
    expect(maxDifference(a.logits, b.logits)).toBeGreaterThan(0);
  });

  test('an aborted call rejects with the reason, and the next one works', async () => {
    const pixels = images(1000); // more than are done before the next line
    const expected = (await run(image(pixels, 0))).logits;
    const abort = new AbortController();
    const running = model.forward(pixels, [1000, 3, height, width], { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect(maxDifference((await run(image(pixels, 0))).logits, expected)).toBe(0);
  });

  test('pixels that are not numbers are an error that says where', async () => {
    const pixels = images(2);
    pixels[3 * height * width + 5] = Number.NaN;
    await expect(run(pixels)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining('element 5 of image 1'),
    });
  });
});

describe("what ToP-ViM's public code does", () => {
  const files = new TemporaryDirectory();

  test.each([
    ['an even number of patches', vim, [40, 40]],
    ['a class token', plain, [36, 40]],
  ] as const)('needs a model with %s', async (why, shape, [height, width]) => {
    await using model = await loadTestVisionModel(files.writeAll(why, randomVisionModel(shape)));
    const run = model.forward(new Float32Array(3 * height * width), [1, 3, height, width], {
      reduction: releasedTop({ layers: [1] }),
    });
    await expect(run).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  });
});
