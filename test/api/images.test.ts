// From decoded images to a model's input, and pictures of what a reduction keeps.
import sharp from 'sharp';
import { native } from '../../lib/native';
import { drawExplanation } from '../../lib/vision/draw';
import type { RgbImage } from '../../lib/vision/image';
import { cropImage, evalTransform, normalizeImages, preprocess } from '../../lib/vision/preprocess';
import { Draw } from '../helpers/random';

const draw = new Draw(3);
const noise = (width: number, height: number): RgbImage => ({
  data: Uint8Array.from({ length: width * height * 3 }, () => draw.int(0, 255)),
  width,
  height,
});
const tiny = { ...evalTransform([8, 8]), resize: 10, crop: 8 };

describe('evalTransform', () => {
  test('crops the middle 7/8, as the authors', () => {
    expect(evalTransform([224, 224])).toEqual({
      resize: 256,
      crop: 224,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    });
    expect(evalTransform([384, 384]).resize).toBe(438);
    expect(evalTransform([40, 40]).resize).toBe(45);
  });

  test('is for square models', () => {
    expect(() => evalTransform([224, 256])).toThrow(
      expect.objectContaining({
        code: 'ERR_ARGUMENT',
        message:
          'Expected the same height and width, because images are cropped to a square for imageSize but received 224 x 256.',
      }),
    );
  });
});

describe('cropImage', () => {
  /** The crop of the size that Pillow would have made, from `left` and `top` on. */
  const part = async (image: RgbImage, to: { width: number; height: number }, left: number, top: number) =>
    native.resampleImage(image.data, image, to, { left, top, width: 8, height: 8 });

  test.each([
    ['wide, the longer side rounded down', 25, 13, { width: 19, height: 10 }, 6, 1],
    ['tall', 13, 25, { width: 10, height: 19 }, 1, 6],
    ['a margin of 1.5, rounded to the even 2', 10, 11, { width: 10, height: 11 }, 1, 2],
    ['a margin of 2.5, rounded to the even 2', 13, 10, { width: 13, height: 10 }, 2, 1],
    ['a shorter side that is right already', 10, 10, { width: 10, height: 10 }, 1, 1],
    ['smaller than the model', 3, 4, { width: 10, height: 13 }, 1, 2],
  ])('%s', async (_what, width, height, to, left, top) => {
    const image = noise(width, height);
    const got = await cropImage(image, tiny);
    expect([got.width, got.height]).toEqual([8, 8]);
    expect([...got.data]).toEqual([...(await part(image, to, left, top))]);
  });

  test.each([
    [1, 1],
    [1, 5000],
    [20000, 1],
    [2, 100000],
  ])('an even colour stays what it is: %d x %d', async (width, height) => {
    const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => [7, 99, 250][i % 3]);
    const { data: out } = await cropImage({ data, width, height }, evalTransform([224, 224]));
    expect(out).toHaveLength(224 * 224 * 3);
    expect(out.every((value, i) => value === [7, 99, 250][i % 3])).toBe(true);
  });

  test.each<[string, unknown, object, string]>([
    [
      'nothing',
      undefined,
      {},
      'Expected an image { data: Uint8Array, width, height } for image but received undefined.',
    ],
    [
      'too few bytes',
      { data: new Uint8Array(10), width: 2, height: 2 },
      {},
      'Expected 2 x 2 x 3 = 12 bytes for image.data but received 10.',
    ],
    [
      'no size',
      { data: new Uint8Array(12), width: 2 },
      {},
      'for image but received an object with keys [data, width].',
    ],
    [
      'a crop larger than the image',
      { data: new Uint8Array(12), width: 2, height: 2 },
      { resize: 5, crop: 6 },
      'Expected whole numbers 0 < crop <= resize for transform but received crop 6, resize 5.',
    ],
  ])('%s is refused', async (_what, image, change, message) => {
    await expect(cropImage(image as RgbImage, { ...tiny, ...change })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining(message),
    });
  });
});

describe('normalizeImages and preprocess', () => {
  test('planes of one channel each, in float32', () => {
    const images = [noise(3, 2), noise(3, 2)];
    const got = normalizeImages(images, tiny);
    expect(got).toHaveLength(2 * 3 * 6);
    for (const [i, { data }] of images.entries()) {
      for (let channel = 0; channel < 3; channel += 1) {
        for (let p = 0; p < 6; p += 1) {
          const exact = (data[3 * p + channel] / 255 - tiny.mean[channel]) / tiny.std[channel];
          expect(Math.abs(got[(3 * i + channel) * 6 + p] - exact)).toBeLessThan(5e-7);
        }
      }
    }
  });

  test('images of several sizes become one batch, each as it is alone', async () => {
    const images = [noise(12, 10), noise(9, 30), noise(40, 17)];
    const together = await preprocess(images, tiny);
    const alone = await Promise.all(images.map((image) => preprocess([image], tiny)));
    expect([...together]).toEqual(alone.flatMap((one) => [...one]));
  });

  test('images of two sizes cannot be normalised together', () => {
    expect(() => normalizeImages([noise(3, 2), noise(2, 3)], tiny)).toThrow(
      'Expected the size of images[0] (3 x 2) for images[1] but received 2 x 3.',
    );
  });
});

describe('drawExplanation', () => {
  const image = noise(64, 64);
  const patches = { rows: 8, columns: 8, size: 8, stride: 8 };
  const reductions = [
    {
      kept: Int32Array.from({ length: 40 }, (_, i) => i),
      importance: {
        patches: Int32Array.from({ length: 64 }, (_, i) => i),
        scores: draw.floats(64, 0, 1),
      },
      caption: 'after layer 5: 40 of 64',
    },
  ];

  test('is a PNG whose panels are enlarged by a whole factor', async () => {
    const png = await drawExplanation({ image, patches, reductions });
    expect(await sharp(png).metadata()).toMatchObject({
      format: 'png',
      width: 12 + 2 * (256 + 12),
      height: 12 + 24 + 2 * (256 + 12),
      channels: 3,
    });
  });

  test('takes any caption', async () => {
    const caption = `<b>&amp; "x"\u0000\ud800 ${'long '.repeat(30)}`;
    const plain = await drawExplanation({ image, patches, reductions: [{ kept: [0] }] });
    const png = await drawExplanation({ image, patches, reductions: [{ kept: [0] }], caption });
    const [before, after] = await Promise.all([plain, png].map((file) => sharp(file).raw().toBuffer()));
    expect(after.length).toBeGreaterThan(before.length);
    // nothing but the strip for captions has changed
    const row = (12 + 2 * (256 + 12)) * 3;
    expect(after.subarray((12 + 24) * row).equals(before.subarray(12 * row))).toBe(true);
  });

  test('refuses patches that are not there', async () => {
    const wrong = drawExplanation({ image, patches, reductions: [{ kept: [64] }] });
    await expect(wrong).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: 'Expected patches from 0 to 63 for reductions[0].kept but received 64.',
    });
  });
});
