// Resampling against plain loops in double precision; test/parity/preprocessing.test.ts has Pillow's own results.
import { native } from '../../lib/native';
import { Draw } from '../helpers/random';

type Size = { width: number; height: number };
const whole = (size: Size) => ({ left: 0, top: 0, ...size });

/** Keys' kernel with a = -0.5, widened where the line gets shorter, over every sample of the line. */
function resampleLine(line: readonly number[], length: number): number[] {
  const scale = line.length / length;
  const widening = Math.max(scale, 1);
  return Array.from({ length }, (_, i) => {
    const weights = line.map((_sample, k) => cubic((k + 0.5 - (i + 0.5) * scale) / widening));
    const sum = weights.reduce((a, b) => a + b);
    const value = line.reduce((total, sample, k) => total + (sample * weights[k]) / sum, 0);
    return Math.min(Math.max(Math.floor(value + 0.5), 0), 255);
  });
}

function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return 1.5 * x ** 3 - 2.5 * x ** 2 + 1;
  return x < 2 ? -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2 : 0;
}

/** Rows first, then columns, with 8 bits in between. */
function resample(pixels: Uint8Array, from: Size, to: Size): Uint8Array {
  const out = new Uint8Array(to.width * to.height * 3);
  for (let channel = 0; channel < 3; channel += 1) {
    const rows = Array.from({ length: from.height }, (_, y) =>
      resampleLine(
        Array.from({ length: from.width }, (_, x) => pixels[(y * from.width + x) * 3 + channel]),
        to.width,
      ),
    );
    for (let x = 0; x < to.width; x += 1) {
      const column = resampleLine(
        rows.map((row) => row[x]),
        to.height,
      );
      for (let y = 0; y < to.height; y += 1) out[(y * to.width + x) * 3 + channel] = column[y];
    }
  }
  return out;
}

const draw = new Draw(7);
const noise = ({ width, height }: Size) =>
  Uint8Array.from({ length: width * height * 3 }, () => draw.int(0, 255));
/** Only black and white, whose sums reach beyond both ends of the range. */
const extremes = ({ width, height }: Size) =>
  Uint8Array.from({ length: width * height * 3 }, () => 255 * draw.int(0, 1));

test.each<[string, Size, Size, (size: Size) => Uint8Array]>([
  ['smaller', { width: 50, height: 37 }, { width: 16, height: 12 }, noise],
  ['smaller by a whole factor', { width: 48, height: 32 }, { width: 12, height: 8 }, noise],
  ['larger', { width: 9, height: 11 }, { width: 31, height: 24 }, noise],
  ['wider and lower', { width: 13, height: 40 }, { width: 29, height: 9 }, noise],
  ['the same width', { width: 20, height: 33 }, { width: 20, height: 14 }, noise],
  ['the same height', { width: 33, height: 20 }, { width: 14, height: 20 }, noise],
  ['nearly the same size', { width: 30, height: 30 }, { width: 29, height: 31 }, noise],
  ['sums beyond the range', { width: 41, height: 43 }, { width: 26, height: 74 }, extremes],
  ['one row', { width: 40, height: 1 }, { width: 10, height: 3 }, noise],
  ['one column', { width: 1, height: 40 }, { width: 5, height: 7 }, noise],
  ['to one pixel', { width: 21, height: 17 }, { width: 1, height: 1 }, noise],
])('%s', async (_what, from, to, make) => {
  const pixels = make(from);
  const got = await native.resampleImage(pixels, from, to, whole(to));
  const want = resample(pixels, from, to);
  expect(got).toHaveLength(want.length);
  // Weights of 22 bits differ from exact ones only where a sum is next to a half.
  const differences = got.map((value, i) => Math.abs(value - want[i]));
  expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  expect(differences.filter((d) => d > 0).length).toBeLessThanOrEqual(got.length / 500);
});

test('a size that stays is a copy', async () => {
  const size = { width: 8, height: 5 };
  const pixels = noise(size);
  expect([...(await native.resampleImage(pixels, size, size, whole(size)))]).toEqual([...pixels]);
});

test.each<[string, Size, Size]>([
  ['both sides change', { width: 31, height: 44 }, { width: 20, height: 28 }],
  ['the width stays', { width: 20, height: 44 }, { width: 20, height: 28 }],
  ['the height stays', { width: 31, height: 28 }, { width: 20, height: 28 }],
  ['both stay', { width: 20, height: 28 }, { width: 20, height: 28 }],
])('a crop is a part of the whole: %s', async (_what, from, to) => {
  const pixels = noise(from);
  const all = await native.resampleImage(pixels, from, to, whole(to));
  for (const crop of [
    { left: 3, top: 5, width: 11, height: 7 },
    { left: 19, top: 27, width: 1, height: 1 },
  ]) {
    const part = await native.resampleImage(pixels, from, to, crop);
    const rows = Array.from({ length: crop.height }, (_, y) => {
      const at = ((crop.top + y) * to.width + crop.left) * 3;
      return [...all.subarray(at, at + crop.width * 3)];
    });
    expect([...part]).toEqual(rows.flat());
  }
});

test('of a result far too large only the crop is made', async () => {
  const from = { width: 1, height: 20000 };
  const to = { width: 256, height: 5_120_000 };
  const crop = { left: 16, top: 2_559_888, width: 224, height: 224 };
  const pixels = Uint8Array.from({ length: 60000 }, (_, i) => 10 * (i % 3) + 5);
  const part = await native.resampleImage(pixels, from, to, crop);
  expect(part.every((value, i) => value === 10 * (i % 3) + 5)).toBe(true);
});

test('a part of a larger buffer', async () => {
  const size = { width: 4, height: 3 };
  const buffer = noise({ width: 5, height: 3 });
  const part = await native.resampleImage(buffer.subarray(7, 43), size, size, whole(size));
  expect([...part]).toEqual([...buffer.subarray(7, 43)]);
});

// What lib/ would never pass on.
const size = { width: 4, height: 3 };
const good = [new Uint8Array(36), size, { width: 8, height: 6 }, { left: 1, top: 1, width: 7, height: 5 }];
const detached = new Uint8Array(36);
structuredClone(detached, { transfer: [detached.buffer] });
test.each<[string, number, unknown, string]>([
  ['too few pixels', 0, new Uint8Array(35), 'height x width x 3 bytes for native argument pixels.'],
  ['pixels of another shape', 0, new Uint8Array(27), 'height x width x 3 bytes for native argument pixels.'],
  ['another type', 0, new Float32Array(36), 'for native argument pixels.'],
  ['a detached array', 0, detached, 'for native argument pixels.'],
  ['no size', 1, undefined, '{ width, height } for native argument from.'],
  ['a side of 0', 1, { width: 0, height: 3 }, 'a length in pixels for native argument width.'],
  ['half a pixel', 2, { width: 8, height: 6.5 }, 'a length in pixels for native argument height.'],
  ['an endless side', 2, { width: 8, height: Number.POSITIVE_INFINITY }, 'for native argument height.'],
  ['a crop that starts before', 3, { left: -1, top: 0, width: 1, height: 1 }, 'for native argument left.'],
  [
    'a crop that ends behind',
    3,
    { left: 2, top: 0, width: 7, height: 6 },
    'a box within the resampled image for native argument crop.',
  ],
  ['a huge place', 3, { left: 0, top: 2 ** 53 - 1, width: 1, height: 6 }, 'for native argument crop.'],
  ['a huge crop', 3, { left: 0, top: 0, width: 2 ** 40, height: 2 ** 40 }, 'for native argument width.'],
])('the wall: %s', async (_what, at, value, message) => {
  const args = good.with(at, value as never) as Parameters<typeof native.resampleImage>;
  await expect(async () => native.resampleImage(...args)).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining(message),
  });
});
