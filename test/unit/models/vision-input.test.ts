import { topClasses } from '../../../lib/models/classify';
import { explainedReductions } from '../../../lib/models/explain';
import { imageList } from '../../../lib/models/vision-images';
import { checkPixels, type PixelShape } from '../../../lib/models/vision-input';
import { publishedConfig } from '../../../lib/models/vision-names';
import { visionStats } from '../../../lib/models/vision-stats';
import { flops, ltmp, prune } from '../../../lib/reduction';
import { argumentError } from '../reduction/fixtures';

const vim = {
  ...publishedConfig('vim-tiny'),
  patchSize: 8,
  stride: 8,
  imageSize: [32, 32],
  grid: [4, 4],
} as const;
const plain = { ...publishedConfig('plainmamba-l1'), patchSize: 8, stride: 8 };

describe('pixels', () => {
  const of = (...shape: [number, number, number, number]) =>
    [new Float32Array(shape.reduce((a, b) => a * b)), shape] as const;

  test('of the trained size, and of others', () => {
    expect(checkPixels(...of(2, 3, 32, 32), vim)).toEqual({
      images: 2,
      height: 32,
      width: 32,
      rows: 4,
      columns: 4,
      tokens: 17,
    });
    expect(checkPixels(...of(1, 3, 8, 47), vim)).toMatchObject({ rows: 1, columns: 5, tokens: 6 });
    expect(checkPixels(...of(1, 3, 30, 45), plain)).toMatchObject({ rows: 4, columns: 6, tokens: 24 });
    expect(checkPixels(...of(1, 3, 1, 1), plain)).toMatchObject({ tokens: 1 });
  });

  const any = (x: unknown) => x as never;
  test.each<[string, Float32Array, PixelShape, string]>([
    [
      'an array',
      any([1]),
      [1, 3, 32, 32],
      'Expected a Float32Array of normalised images for pixels but received an array of 1.',
    ],
    [
      'bytes',
      any(new Uint8Array(3)),
      [1, 3, 32, 32],
      'Expected a Float32Array of normalised images for pixels but received Uint8Array(3 bytes).',
    ],
    [
      'no shape',
      new Float32Array(3),
      any(undefined),
      'Expected [images, 3, height, width] for shape but received undefined.',
    ],
    ['three sizes', new Float32Array(3), any([3, 1, 1]), 'for shape but received [3, 1, 1].'],
    ['grey images', new Float32Array(64), [1, 1, 8, 8], 'for shape but received [1, 1, 8, 8].'],
    ['channels last', new Float32Array(192), [1, 8, 8, 3], 'for shape but received [1, 8, 8, 3].'],
    ['no images', new Float32Array(0), [0, 3, 8, 8], 'for shape but received [0, 3, 8, 8].'],
    ['text for a side', new Float32Array(192), any([1, 3, '8', 8]), 'for shape but received [1, 3, "8", 8].'],
    [
      'too few values',
      new Float32Array(191),
      [1, 3, 8, 8],
      'Expected 1 x 3 x 8 x 8 = 192 values, as shape says, for pixels but received 191.',
    ],
    [
      'less than a patch',
      new Float32Array(3 * 7 * 8),
      [1, 3, 7, 8],
      'Expected at least 8 x 8 pixels, which is one patch, for the image size but received 7 x 8.',
    ],
    [
      'more tokens than rows can be counted',
      new Float32Array(3 * 2048 * 2049),
      [1, 3, 2048, 2049],
      'Expected at most 4194304 tokens in all for the images but received 1 of 4196353 tokens.',
    ],
  ])('%s are refused', (_, pixels, shape, expected) => {
    const config = expected.includes('4194304') ? { ...vim, patchSize: 1, stride: 1 } : vim;
    expect(argumentError(() => checkPixels(pixels, shape, config))).toContain(expected);
  });
});

test('one image is a list of one', () => {
  const bytes = new Uint8Array(2);
  expect(imageList('a.png')).toEqual(['a.png']);
  expect(imageList(bytes)).toEqual([bytes]);
  expect(imageList(['a.png', bytes])).toEqual(['a.png', bytes]);
  expect(argumentError(() => imageList(5 as never))).toBe(
    'Expected a path, the content of an image file as a Uint8Array, or an array of these for images but received 5.',
  );
});

describe('the most probable classes', () => {
  const labels = ['a', 'b', 'c', 'd'];

  test('come first, with their share', () => {
    const found = topClasses(Float32Array.of(0, Math.log(3), Math.log(2), 0), labels, 3);
    expect(found.map(({ label, index }) => [label, index])).toEqual([
      ['b', 1],
      ['c', 2],
      ['a', 0], // as probable as d, and before it
    ]);
    for (const [i, p] of [3 / 7, 2 / 7, 1 / 7].entries()) expect(found[i].probability).toBeCloseTo(p, 6);
  });

  test('are all, where there are no more; large logits do not overflow', () => {
    const found = topClasses(Float32Array.of(1000, 999, -1e30, 1000), labels, 9);
    expect(found.map(({ index }) => index)).toEqual([0, 3, 1, 2]);
    expect(found.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12);
    expect(found[3].probability).toBe(0);
  });
});

describe('what is drawn of a reduction', () => {
  const kept = (layer: number, ...positions: number[]) => ({
    layer,
    offsets: Int32Array.of(0, positions.length),
    positions: Int32Array.from(positions),
  });

  test('of ViM: patches in raster order, without the class token', () => {
    // 4 patches: tokens 0 1 [2: class] 3 4
    const scores = [Float32Array.of(0.5, 1, 9, 2, 3), Float32Array.of(4, 9, 5)];
    expect(explainedReductions(vim, 4, [kept(1, 1, 2, 4), kept(3, 2, 4)], scores)).toEqual([
      {
        kept: [1, 3],
        importance: { patches: [0, 1, 2, 3], scores: [0.5, 1, 2, 3] },
        caption: 'after layer 1: 2 of 4',
      },
      { kept: [3], importance: { patches: [1, 3], scores: [4, 5] }, caption: 'after layer 3: 1 of 2' },
    ]);
  });

  test('of PlainMamba: every token is a patch; no scores where there are none', () => {
    expect(explainedReductions(plain, 4, [kept(0, 0, 3)])).toEqual([
      { kept: [0, 3], importance: undefined, caption: 'after layer 0: 2 of 4' },
    ]);
  });

  test('the class token may stand anywhere', () => {
    const [found] = explainedReductions(vim, 4, [kept(0, 0, 2, 1)], [Float32Array.of(1, 2, 3, 4, 5)]);
    expect(found.kept).toEqual([0, 1]);
  });
});

describe('work of a call', () => {
  const input = { images: 3, height: 32, width: 32, rows: 4, columns: 4, tokens: 17 };

  test('is that of its images', () => {
    const reduction = prune({ layers: [1], keep: 0.5 });
    const one = flops(vim, { imageSize: [32, 32], reduction });
    expect(visionStats(vim, input, [], reduction)).toEqual({
      flops: 3 * one.total,
      denseFlops: 3 * flops(vim, { imageSize: [32, 32] }).total,
      reductionFlops: 3 * one.reduction,
    });
  });

  test('counts what thresholds left of each', () => {
    const reduction = ltmp({ layers: [1], pruneBelow: 0, mergeAbove: 1 });
    const counts = [3, 5, 17];
    const offsets = Int32Array.of(0, 3, 8, 25);
    const stats = visionStats(vim, input, [{ layer: 1, offsets, positions: new Int32Array(25) }], reduction);
    const each = counts.map((count) => flops(vim, { imageSize: [32, 32], reduction, counts: [count] }));
    expect(stats.flops).toBe(each.reduce((sum, { total }) => sum + total, 0));
    expect(stats.reductionFlops).toBe(each.reduce((sum, { reduction: own }) => sum + own, 0));
  });
});
