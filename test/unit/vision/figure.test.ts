// What is painted where; test/api/images.test.ts has the PNG.
import { colourBar, heatMap, maskedImage } from '../../../lib/vision/canvas';
import { heatColour, shares } from '../../../lib/vision/colour-map';
import { checkExplanation, composeFigure, type Explanation } from '../../../lib/vision/figure';
import type { RgbImage } from '../../../lib/vision/image';
import { type Cell, patchCells } from '../../../lib/vision/patches';

const pixel = ({ data, width }: RgbImage, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];
const filled = (width: number, height: number, colour: number[]): RgbImage => ({
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => colour[i % 3]),
  width,
  height,
});

describe('cells', () => {
  /** How many cells each pixel is in: 1 everywhere if they share the image out. */
  const cover = (cells: readonly Cell[], width: number, height: number) => {
    const count = new Uint8Array(width * height);
    for (const { left, right, top, bottom } of cells)
      for (let y = top; y < bottom; y += 1) for (let x = left; x < right; x += 1) count[y * width + x] += 1;
    return new Set(count);
  };

  test('are the patches where these do not overlap', () => {
    const cells = patchCells({ rows: 2, columns: 3, size: 8, stride: 8 }, 24, 16, 2);
    expect(cells).toHaveLength(6);
    expect(cells[4]).toEqual({ left: 16, right: 32, top: 16, bottom: 32 });
  });

  test('meet halfway between the middles where patches overlap', () => {
    const cells = patchCells({ rows: 27, columns: 27, size: 16, stride: 8 }, 224, 224, 1);
    expect(cells[0]).toEqual({ left: 0, right: 12, top: 0, bottom: 12 });
    expect(cells[28]).toEqual({ left: 12, right: 20, top: 12, bottom: 20 });
    expect(cells[728]).toEqual({ left: 212, right: 224, top: 212, bottom: 224 });
  });

  test.each([
    ['patches', { rows: 8, columns: 8, size: 8, stride: 8 }, 64, 64, 1],
    ['overlapping', { rows: 27, columns: 27, size: 16, stride: 8 }, 224, 224, 1],
    ['a padded image', { rows: 8, columns: 12, size: 8, stride: 8 }, 90, 60, 3],
    ['odd sizes', { rows: 4, columns: 4, size: 5, stride: 3 }, 14, 14, 1],
  ] as const)('share the image out: %s', (_what, grid, width, height, scale) => {
    const cells = patchCells(grid, width, height, scale);
    expect(cover(cells, width * scale, height * scale)).toEqual(new Set([1]));
  });

  test('a grid that is not in the image', () => {
    expect(() => patchCells({ rows: 2, columns: 4, size: 8, stride: 8 }, 24, 16, 1)).toThrow(
      'Expected at most 3, one every 8 of 24 pixels, for patches.columns but received 4.',
    );
  });
});

test('the heat map runs over the patches with scores; the others are hatched in grey', () => {
  const cells = patchCells({ rows: 2, columns: 2, size: 8, stride: 8 }, 16, 16, 1);
  const map = heatMap(16, 16, cells, [3, 0], [0.25, -4]);
  expect(pixel(map, 15, 15)).toEqual([253, 231, 37]);
  expect(pixel(map, 0, 7)).toEqual([68, 1, 84]);
  for (const [x, y] of [
    [8, 0],
    [15, 7],
    [7, 8],
  ]) {
    const [red, green, blue] = pixel(map, x, y);
    expect(Math.min(red, green, blue)).toBeGreaterThan(200);
  }
});

test('colours get lighter all the way', () => {
  const bar = colourBar(64, 1);
  const light = Array.from({ length: 64 }, (_, x) => {
    const [red, green, blue] = pixel(bar, x, 0);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  });
  for (let x = 1; x < 64; x += 1) expect(light[x]).toBeGreaterThan(light[x - 1]);
  expect([heatColour(-1), heatColour(2)]).toEqual([heatColour(0), heatColour(1)]);
});

test('one outlier among many scores does not flatten the others', () => {
  const scores = [...Array.from({ length: 99 }, (_, i) => i), 1e9];
  expect(shares(scores)[49]).toBeCloseTo(0.5, 1);
  expect(shares(scores)[99]).toBe(1);
  expect(shares([2, 2, 2])).toEqual([0.5, 0.5, 0.5]);
  expect(shares([])).toEqual([]);
});

test('kept patches stay as they are; the others lose their colour, and the image is left alone', () => {
  const image = filled(16, 8, [200, 20, 20]);
  const cells = patchCells({ rows: 1, columns: 2, size: 8, stride: 8 }, 16, 8, 1);
  const masked = maskedImage(image, cells, new Set([1]));
  expect(pixel(masked, 8, 3)).toEqual([200, 20, 20]);
  const [red, green, blue] = pixel(masked, 7, 3);
  expect([green, blue]).toEqual([red, red]);
  expect(image).toEqual(filled(16, 8, [200, 20, 20]));
});

describe('the figure', () => {
  const image = filled(16, 16, [10, 120, 230]);
  const patches = { rows: 2, columns: 2, size: 8, stride: 8 };
  const bare: Explanation = { image, patches, reductions: [{ kept: [0, 3] }, { kept: [3] }] };
  const panel = filled(224, 224, [10, 120, 230]);

  test('has a panel for the image and one for each reduction', () => {
    const { canvas, texts } = composeFigure(bare, panel, 14);
    expect([canvas.width, canvas.height]).toEqual([12 + 3 * 236, 12 + 236]);
    expect(texts).toEqual([]);
    const kept = (x: number, y: number) => pixel(canvas, x, y)[2] === 230;
    // the upper left and the lower right patch of each panel
    expect([0, 1, 2].map((j) => kept(12 + 236 * j, 12))).toEqual([true, true, false]);
    expect([0, 1, 2].map((j) => kept(12 + 236 * j + 223, 235))).toEqual([true, true, true]);
    expect(pixel(canvas, 11, 12)).toEqual([255, 255, 255]);
    expect(pixel(canvas, 12 + 224, 12)).toEqual([255, 255, 255]);
  });

  test('with scores has heat maps below, and says what their colours mean', () => {
    const importance = { patches: [0, 1, 2, 3], scores: [4, 3, 2, 1] };
    const reductions = [{ kept: [0, 3], importance, caption: 'after layer 5' }, { kept: [3] }];
    const { canvas, texts } = composeFigure({ ...bare, reductions, caption: 'daisy' }, panel, 14);
    expect(canvas.height).toBe(12 + 24 + 236 + 236);
    expect(pixel(canvas, 12 + 236, 12 + 24 + 236)).toEqual([253, 231, 37]);
    expect(pixel(canvas, 12 + 2 * 236, 12 + 24 + 236)).toEqual([255, 255, 255]); // nothing is known of the second
    expect(texts.map(({ text }) => text)).toEqual([
      'daisy',
      'after layer 5',
      'importance',
      'low',
      'high',
      'gone before',
    ]);
  });

  test.each<[string, object, string]>([
    [
      'a patch that is not there',
      { kept: [0, 4] },
      'Expected patches from 0 to 3 for reductions[0].kept but received 4.',
    ],
    [
      'a score for a patch that is not there',
      { kept: [0], importance: { patches: [-1], scores: [1] } },
      'Expected patches from 0 to 3 for reductions[0].importance.patches but received -1.',
    ],
    [
      'scores that are missing',
      { kept: [0], importance: { patches: [0, 1], scores: [1] } },
      'Expected one score for each of 2 patches for reductions[0].importance.scores but received 1.',
    ],
  ])('%s', (_what, reduction, message) => {
    expect(() => checkExplanation({ ...bare, reductions: [reduction as never] })).toThrow(message);
  });
});
