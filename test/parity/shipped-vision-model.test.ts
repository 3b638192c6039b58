// The small vision models that ship, from the sample pictures' files to logits, against Pillow and the executable specification in float64.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { VisionModel } from '../../lib';
import { decodeImage } from '../../lib/vision/decode';
import { evalTransform, preprocess } from '../../lib/vision/preprocess';
import { loadTestVisionModel } from '../helpers/load-model';
import { maxDifference } from '../helpers/read-tensors';
import { fixture } from '../helpers/reference';

type Sample = {
  file: string;
  pixels: { mean: number[]; deviation: number[]; firstRowOfRed: number[] };
  label: number;
  logits: number[];
};

const models = path.resolve(__dirname, '../../models');
const samples = path.join(models, 'tiny-vim/samples');

// In bfloat16 a convolution is rounded once more when its batch norm is folded in.
describe.each([
  ['tiny-vim', {}],
  ['tiny-plainmamba', { dtype: 'f32' }],
] as const)('%s', (name, options) => {
  const golden: { labels: string[]; samples: Sample[] } = JSON.parse(
    readFileSync(fixture(`${name}-golden.json`), 'utf8'),
  );
  let model: VisionModel;
  beforeAll(async () => {
    model = await loadTestVisionModel(path.join(models, name), options);
  });
  afterAll(() => model.dispose());

  test('has the labels of its training', () => expect([...model.labels]).toEqual(golden.labels));

  test.each(golden.samples.map((sample) => [sample.file, sample] as const))('%s', async (file, sample) => {
    const image = path.join(samples, file);
    const [, size] = model.config.imageSize;
    const pixels = await preprocess([await decodeImage(image)], evalTransform(model.config.imageSize));
    for (let c = 0; c < 3; c += 1) {
      const channel = pixels.subarray(c * size * size, (c + 1) * size * size);
      const mean = channel.reduce((a, b) => a + b, 0) / channel.length;
      expect(mean).toBeCloseTo(sample.pixels.mean[c], 4);
    }
    const row = sample.pixels.firstRowOfRed;
    expect(maxDifference(pixels.subarray(0, row.length), row)).toBeLessThan(1e-5);

    const { logits } = await model.forward(pixels, [1, 3, size, size]);
    expect(maxDifference(logits, sample.logits)).toBeLessThan(2e-4);
    const [[best]] = await model.classify(image, { topK: 1 });
    expect(best.index).toBe(sample.logits.indexOf(Math.max(...sample.logits)));
  });
});
