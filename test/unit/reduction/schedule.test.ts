import { flops, paperSchedule, recommended, utrc } from '../../../lib/reduction';
import { argumentError, deep, mamba1b4, mamba2b8, mambaTwo1b3, mambaTwo2b7 } from './fixtures';

describe('the papers’ schedule', () => {
  test('is theirs at their depths', () => {
    for (const config of [mamba1b4, mambaTwo1b3]) {
      expect(paperSchedule(config)).toEqual({ layers: [10, 15, 20, 25, 30, 35] });
    }
    for (const config of [mamba2b8, mambaTwo2b7]) {
      expect(paperSchedule(config)).toEqual({ layers: [12, 17, 22, 27, 32, 37, 42] });
    }
  });

  test.each([
    [1, [0]],
    [2, [0]],
    [3, [0, 1]],
    [4, [0, 1, 2]],
    [5, [1, 2, 3]],
    [6, [1, 2, 3, 4]],
    [7, [1, 2, 3, 4, 5]],
    [8, [1, 2, 3, 4, 5]],
    [24, [5, 7, 10, 12, 15, 17]],
    [56, [11, 17, 23, 29, 35, 40]],
    [128, [24, 34, 44, 54, 64, 74, 84]],
  ])('is scaled to %i layers', (layers, expected) => {
    expect(paperSchedule(deep(layers)).layers).toEqual(expected);
  });

  test('rises, and leaves the last layer out, whatever the depth', () => {
    for (let depth = 2; depth <= 200; depth++) {
      const { layers } = paperSchedule(deep(depth));
      expect(layers.length).toBeGreaterThan(0);
      layers.forEach((layer, i) => {
        expect(layer).toBeGreaterThan(i === 0 ? -1 : layers[i - 1]);
        expect(layer).toBeLessThan(depth - 1);
      });
    }
  });

  test('reaches the papers’ targets from two layers on', () => {
    for (const depth of [2, 3, 4, 5, 6, 7, 8, 12, 24, 32, 56, 80]) {
      for (const flopsReduction of depth === 2 ? [0.1, 0.2] : [0.1, 0.2, 0.3]) {
        const reduction = utrc({ ...paperSchedule(deep(depth)), flopsReduction });
        const dense = flops(deep(depth), { length: 512 }).blocks;
        const { blocks } = flops(deep(depth), { length: 512, reduction });
        expect((dense - blocks) / dense).toBeGreaterThanOrEqual(flopsReduction);
      }
    }
  });
});

describe('the recommended policy', () => {
  test('prunes by state', () => {
    expect(recommended(mamba2b8, { flopsReduction: 0.2 })).toEqual({
      name: 'prune',
      layers: [12, 17, 22, 27, 32, 37, 42],
      flopsReduction: 0.2,
      importance: { metric: 'state', source: 'gated' },
      alignment: 'none',
      conv: 'compact',
      direction: 'any',
      protect: [],
      protectLast: 32,
      fuse: false,
    });
  });

  test.each([
    [
      undefined,
      'Expected an object with flopsReduction for the options of recommended() but received undefined.',
    ],
    [
      {},
      'Expected a number above 0 and below 1, the share of FLOPs to save, for flopsReduction of recommended() but received ' +
        'undefined.',
    ],
    [
      { flopsReduction: 1 },
      'Expected a number above 0 and below 1, the share of FLOPs to save, for flopsReduction of recommended() but received 1.',
    ],
    [{ keep: 0.9 }, 'Expected only flopsReduction for the options of recommended() but received "keep".'],
  ])('is refused for %j', (o, expected) => {
    expect(argumentError(() => recommended(mamba2b8, o as never))).toBe(expected);
  });
});

test('a model in place of its config is refused', () => {
  const expected =
    'Expected the config of a model, such as model.config, for config but received an object with keys [config].';
  const model = { config: mamba1b4 } as never;
  expect(argumentError(() => paperSchedule(model))).toBe(expected);
  expect(argumentError(() => recommended(model, { flopsReduction: 0.1 }))).toBe(expected);
  expect(argumentError(() => flops(model, { length: 1 }))).toBe(expected);
});
