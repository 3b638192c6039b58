// What users call of a vision model, on small random ones; that they compute the right thing is held in test/parity.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { ltmp, prune, random, type VisionModel } from '../../lib';
import { Random } from '../../lib/text/random';
import { decodeImage } from '../../lib/vision/decode';
import { evalTransform, preprocess } from '../../lib/vision/preprocess';
import { loadTestVisionModel } from '../helpers/load-model';
import { randomImages, randomVisionModel } from '../helpers/random-vision-model';
import { fixture } from '../helpers/reference';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const vim = { embed_dim: 16, depth: 3, img_size: 32, patch_size: 8, num_classes: 6, d_state: 4 };
const plain = {
  embed_dims: 16,
  num_layers: 3,
  img_size: 32,
  patch_size: 8,
  num_classes: 6,
  d_state: 4,
  conv_size: 3,
};
const labels = ['ant', 'bee', 'cat', 'dog', 'elk', 'fox'].join('\n');
const images = ['img1.png', 'img2.png'].map((name) => fixture(`vision/preprocess/${name}`));
const reduction = prune({ layers: [0, 1], keep: 0.6 });

describe.each([
  ['ViM', vim],
  ['PlainMamba', plain],
])('%s', (name, shape) => {
  let model: VisionModel;
  beforeAll(async () => {
    model = await loadTestVisionModel(
      files.writeAll(name, { ...randomVisionModel(shape), 'labels.txt': labels }),
    );
  });
  afterAll(() => model.dispose());

  test('says what it is', () => {
    expect(model.config).toMatchObject({ family: name.toLowerCase(), numClasses: 6, dModel: 16 });
    expect(model.labels).toEqual(labels.split('\n'));
    expect(model.parameterCount).toBeGreaterThan(1000);
    expect(model.source).toBe(join(files.path, name));
    expect(model.memory().weights).toBeGreaterThan(0);
  });

  test('classifies files and bytes as it does the pixels that they become', async () => {
    const found = await model.classify([images[0], readFileSync(images[1])], { topK: 6, reduction });
    expect(found).toHaveLength(2);
    const pixels = await preprocess(
      await Promise.all(images.map((image) => decodeImage(image))),
      evalTransform(model.config.imageSize),
    );
    const { logits } = await model.forward(pixels, [2, 3, 32, 32], { reduction });
    found.forEach((classes, i) => {
      const own = [...logits.subarray(6 * i, 6 * i + 6)];
      const total = own.reduce((sum, logit) => sum + Math.exp(logit), 0);
      expect(classes.map(({ index }) => index).sort()).toEqual([0, 1, 2, 3, 4, 5]);
      for (const [rank, { label, index, probability }] of classes.entries()) {
        expect(label).toBe(model.labels[index]);
        expect(probability).toBeCloseTo(Math.exp(own[index]) / total, 6);
        if (rank > 0) expect(probability).toBeLessThanOrEqual(classes[rank - 1].probability);
      }
    });
    const features = await model.features(images, { reduction });
    expect(features).toEqual(await model.features(pixels, [2, 3, 32, 32], { reduction }));
    expect(features).toHaveLength(2 * 16);
  });

  test('one image gives a list of one, of five classes; no images none', async () => {
    const found = await model.classify(images[0]);
    expect(found).toHaveLength(1);
    expect(found[0]).toHaveLength(5);
    expect(await model.classify([])).toEqual([]);
    expect(await model.features([])).toHaveLength(0);
  });

  test('many images go through in batches, each as it goes alone', async () => {
    const many = Array.from({ length: 19 }, (_, i) => images[i % 2]);
    const found = await model.classify(many, { topK: 1 });
    const alone = [
      await model.classify(images[0], { topK: 1 }),
      await model.classify(images[1], { topK: 1 }),
    ];
    found.forEach(([best], i) => {
      expect(best.index).toBe(alone[i % 2][0][0].index);
      expect(best.probability).toBeCloseTo(alone[i % 2][0][0].probability, 5);
    });
  });

  test('an abort between batches ends it with the reason', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const classifying = model.classify(Array(60).fill(images[0]), { signal: abort.signal });
    setImmediate(() => abort.abort(reason));
    await expect(classifying).rejects.toBe(reason);
    await expect(model.classify(images, { signal: abort.signal })).rejects.toBe(reason);
    await expect(model.explain(images[0], { reduction, signal: abort.signal })).rejects.toBe(reason);
  });

  test('an image that cannot be read is named, wherever it is', async () => {
    const wrong = [...Array(10).fill(images[0]), '/nonexistent.png'];
    await expect(model.classify(wrong)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringMatching(/images\[10\].*nonexistent\.png/),
    });
    await expect(model.classify(new Uint8Array(3))).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  });

  test('explains a reduction with a picture', async () => {
    const { png } = await model.explain(images[0], { reduction });
    const { format, width, height } = await sharp(png).metadata();
    expect(format).toBe('png');
    expect(width).toBeGreaterThan(3 * 224); // the image, and it after each reduction
    expect(height).toBeGreaterThan(2 * 224); // and the scores
    const blind = await model.explain(images[0], { reduction: random({ layers: [0, 1], keep: 0.6 }) });
    expect((await sharp(blind.png).metadata()).height).toBeLessThan(2 * 224);
  });

  test('hidden states are those of every layer', async () => {
    const pixels = randomImages(new Random(1), 2, 32, 32);
    const { hiddenStates } = await model.forward(pixels, [2, 3, 32, 32], { hiddenStates: true });
    const tokens = name === 'ViM' ? 17 : 16;
    expect(hiddenStates).toHaveLength(3);
    for (const layer of hiddenStates!) {
      expect([layer.hidden.length, layer.residual.length]).toEqual([2 * tokens * 16, 2 * tokens * 16]);
    }
    const [first, second] = hiddenStates!;
    const sum = first.hidden.map((x, i) => x + first.residual[i]);
    expect(Math.max(...second.residual.map((x, i) => Math.abs(x - sum[i])))).toBeLessThan(1e-5);
  });

  test.each<[string, (model: VisionModel) => Promise<unknown>, string]>([
    ['no images', (m) => m.classify(5 as never), 'for images but received 5.'],
    [
      'topK 0',
      (m) => m.classify(images, { topK: 0 }),
      'Expected a whole number of at least 1 for topK but received 0.',
    ],
    [
      'no reduction to explain',
      (m) => m.explain(images[0], {} as never),
      'Expected a reduction for explain()',
    ],
    [
      'nothing to explain by',
      (m) => (m.explain as (x: string) => Promise<unknown>)(images[0]),
      'Expected a reduction',
    ],
    [
      'pixels without shape',
      (m) => m.features(new Float32Array(3), undefined as never),
      'for shape but received undefined.',
    ],
    [
      'both of two',
      (m) => m.forward(new Float32Array(3 * 32 * 32), [1, 3, 32, 32], { hiddenStates: true, reduction }),
      'Expected hiddenStates or a reduction but received both.',
    ],
    [
      'a policy for prompts',
      (m) => m.classify(images, { reduction: prune({ layers: [0], keep: 0.5, protectLast: 2 }) }),
      'The tokens of an image have no last ones',
    ],
    [
      'a layer that is not there',
      (m) => m.classify(images, { reduction: ltmp({ layers: [7], pruneBelow: 0, mergeAbove: 1 }) }),
      'reduces after layer 7, but the model has 3 layers',
    ],
  ])('%s', async (_, call, message) => {
    await expect(call(model)).rejects.toMatchObject({ name: 'SkipscanError', code: 'ERR_ARGUMENT' });
    await expect(call(model)).rejects.toThrow(message);
  });
});

describe('loading', () => {
  test('takes a weights file alone, where a config is beside it or a name is given', async () => {
    const folder = files.writeAll('alone', randomVisionModel(vim));
    await using model = await loadTestVisionModel(join(folder, 'model.safetensors'), {
      labels: ['a', 'b', 'c', 'd', 'e', 'f'],
    });
    expect(model.labels[5]).toBe('f');
    await expect(loadTestVisionModel(folder, { model: 'vim-tiny' })).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: expect.stringContaining('the tensors do not fit vim-tiny: it lacks layers.3.norm.weight'),
    });
    await expect(loadTestVisionModel(folder, { labels: ['a'] })).rejects.toThrow(
      'Expected 6 names, one for each class of the model, for labels but received 1.',
    );
  });

  test('reports progress in bytes', async () => {
    const seen: [number, number][] = [];
    await using model = await loadTestVisionModel(files.writeAll('progress', randomVisionModel(vim)), {
      onProgress: (done, total) => seen.push([done, total]),
    });
    const total = 4 * model.parameterCount;
    expect(seen.at(-1)).toEqual([total, total]);
  });
});

test('a disposed model says so, and disposing waits for what runs', async () => {
  const model = await loadTestVisionModel(files.writeAll('disposed', randomVisionModel(plain)));
  const pixels = randomImages(new Random(2), 1, 32, 32);
  const running = model.forward(pixels, [1, 3, 32, 32]);
  const closing = model.dispose();
  expect(model.dispose()).toBe(closing);
  expect((await running).logits).toHaveLength(6);
  await closing;
  const gone = { code: 'ERR_DISPOSED' };
  await expect(model.forward(pixels, [1, 3, 32, 32])).rejects.toMatchObject(gone);
  await expect(model.classify(images)).rejects.toMatchObject(gone);
  await expect(model.features(images)).rejects.toMatchObject(gone);
  await expect(model.explain(images[0], { reduction })).rejects.toMatchObject(gone);
  expect(() => model.memory()).toThrow('This model was disposed. Load it again to use it.');
});
