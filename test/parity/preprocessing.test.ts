// From an image file to a model's input, against Pillow and the arithmetic of both papers' evaluation pipelines.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { native } from '../../lib/native';
import { decodeImage } from '../../lib/vision/decode';
import { cropImage, evalTransform, preprocess } from '../../lib/vision/preprocess';
import { type Golden, maxDifference, readTensors } from '../helpers/read-tensors';
import { fixture, reference } from '../helpers/reference';

const reduced = fixture('vision/preprocess');
const full = reference('vision/preprocess');

describe.each(full ? [reduced, full] : [reduced])('%s', (folder) => {
  const config = JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8'));
  const transform = { ...evalTransform([224, 224]), resize: config.resize_short_side, crop: config.crop };
  const images = folder === full ? ['img0', 'img1', 'img2'] : ['img1', 'img2'];

  let goldens: Map<string, Golden>;
  beforeAll(async () => {
    goldens = await readTensors(path.join(folder, 'golden.safetensors'));
  });
  // The fixture has less than the full set: what must be there is marked so.
  const golden = (name: string, key: string) => goldens.get(`${name}.${key}`);

  test.each(images)('%s is resampled to the bit', async (name) => {
    const image = await decodeImage(path.join(folder, `${name}.png`));
    const stored = golden(name, 'rgb_u8_hwc');
    if (stored) expect([...image.data]).toEqual(stored.ints);

    const { ints, shape } = golden(name, 'resized_u8_hwc')!;
    const size = { width: shape[1], height: shape[0] };
    const whole = { left: 0, top: 0, ...size };
    expect([...(await native.resampleImage(image.data, image, size, whole))]).toEqual(ints);

    const { crop } = config;
    const [left, top] = [(size.width - crop) / 2, (size.height - crop) / 2];
    const rows = Array.from({ length: crop }, (_, y) => {
      const at = ((top + y) * size.width + left) * 3;
      return ints.slice(at, at + crop * 3);
    });
    expect([...(await cropImage(image, transform)).data]).toEqual(rows.flat());
  });

  test.each(images)('%s is normalised', async (name) => {
    const input = await preprocess([await decodeImage(path.join(folder, `${name}.png`))], transform);
    expect(maxDifference(input, golden(name, 'out_vim')!.data)).toBeLessThan(1e-6);
    const mmcls = golden(name, 'out_mmcls');
    if (mmcls) expect(maxDifference(input, mmcls.data)).toBeLessThan(1e-6);
  });
});
