import {
  type CountedPolicy,
  canMeet,
  flops,
  ltmp,
  merge,
  paperSchedule,
  prune,
  recent,
  recommended,
  releasedUtrc,
  resolvePolicy,
  utrc,
} from '../../../lib/reduction';
import { Draw } from '../../helpers/random';
import { argumentError, deep, mamba1b4, mamba2b8, mambaTwo1b3, mambaTwo2b7 } from './fixtures';

/** The share of the blocks' FLOPs that a policy saves. */
const saved = (config: typeof mamba1b4, reduction: CountedPolicy, length: number) =>
  1 - flops(config, { length, reduction }).blocks / flops(config, { length }).blocks;

describe('the keep ratio for a FLOPs target', () => {
  test('a share that whole tokens meet exactly is met, not passed', () => {
    const { counts } = resolvePolicy(
      prune({ layers: [1], flopsReduction: 0.2 }),
      { ...mamba1b4, layers: 4 },
      100,
    );
    expect(counts).toEqual([60]); // (100 + 100 + 60 + 60) / 400
  });

  test.each([
    ['Mamba-1.4B', mamba1b4, 0.1, '0.96484'],
    ['Mamba-1.4B', mamba1b4, 0.2, '0.92450'],
    ['Mamba-1.4B', mamba1b4, 0.3, '0.87646'],
    ['Mamba-2-1.3B', mambaTwo1b3, 0.1, '0.96484'],
    ['Mamba-2-1.3B', mambaTwo1b3, 0.2, '0.92450'],
    ['Mamba-2-1.3B', mambaTwo1b3, 0.3, '0.87646'],
    ['Mamba-2.8B', mamba2b8, 0.1, '0.97265'],
    ['Mamba-2.8B', mamba2b8, 0.2, '0.94125'],
    ['Mamba-2.8B', mamba2b8, 0.3, '0.90389'],
    ['Mamba-2-2.7B', mambaTwo2b7, 0.1, '0.97265'],
    ['Mamba-2-2.7B', mambaTwo2b7, 0.2, '0.94125'],
    ['Mamba-2-2.7B', mambaTwo2b7, 0.3, '0.90389'],
  ])('%s of the paper at 2048 tokens', (_, config, flopsReduction, expected) => {
    for (const make of [utrc, prune, merge]) {
      const { keep } = resolvePolicy(make({ ...paperSchedule(config), flopsReduction }), config, 2048);
      expect(keep!.toFixed(5)).toBe(expected);
    }
  });

  test('is the largest that saves at least the target', () => {
    const draw = new Draw(2);
    for (let i = 0; i < 200; i++) {
      const config = deep(draw.int(2, 64));
      const length = draw.int(1, 600);
      const make = draw.pick([utrc, merge, releasedUtrc, prune, recent]);
      const layers = draw.some(
        Array.from({ length: config.layers }, (_, l) => l),
        0.3,
      );
      if (layers.length === 0) continue;
      const options = { layers, protectLast: draw.int(1, 20) };
      const flopsReduction = 0.001 + 0.5 * draw.next();
      let keep: number;
      try {
        keep = resolvePolicy(make({ ...options, flopsReduction }), config, length).keep!;
      } catch {
        const least = make === prune || make === recent ? Number.MIN_VALUE : 0.5;
        expect(saved(config, make({ ...options, keep: least }), length)).toBeLessThan(flopsReduction);
        continue;
      }
      expect(saved(config, make({ ...options, keep }), length)).toBeGreaterThanOrEqual(flopsReduction);
      const next = keep + 2 ** (Math.floor(Math.log2(keep)) - 52);
      expect(saved(config, make({ ...options, keep: next }), length)).toBeLessThan(flopsReduction);
    }
  });

  test('overshoots by less than one token at each layer that follows', () => {
    for (const flopsReduction of [0.05, 0.1, 0.15, 0.2, 0.25, 0.3]) {
      const policy = prune({ ...paperSchedule(mamba2b8), flopsReduction });
      const overshoot = saved(mamba2b8, policy, 2048) - flopsReduction;
      expect(overshoot).toBeGreaterThanOrEqual(0);
      // At a step of the staircase the counts of all seven reductions fall by a token or so.
      expect(overshoot).toBeLessThan(1 / 2048);
    }
  });

  test('depends on the prompt: each length has its own', () => {
    const policy = prune({ ...paperSchedule(mamba1b4), flopsReduction: 0.2, protectLast: 32 });
    const keeps = [64, 128, 256, 2048].map((length) => resolvePolicy(policy, mamba1b4, length).keep);
    expect(new Set(keeps).size).toBe(4);
  });
});

describe('a resolved policy', () => {
  const defaults = {
    importance: { metric: 'clip', source: 'gated' },
    alignment: 'next',
    conv: 'compact',
    direction: 'any',
    protect: [],
    protectLast: 1,
  };

  test('reports the keep ratio it was given, the protected tokens and the counts', () => {
    const policy = prune({ layers: [1, 3], keep: 0.5, protect: [0], protectLast: 2 });
    expect(resolvePolicy(policy, deep(4), 20)).toEqual({
      settings: { ...defaults, protect: [0], protectLast: 2 },
      policy,
      keep: 0.5,
      protectedCount: 3,
      counts: [10, 5],
    });
  });

  test('counts the protected tokens of a chunk by its positions', () => {
    const policy = prune({ layers: [1], keep: 0.5, protect: [0, 25], protectLast: 2 });
    expect(resolvePolicy(policy, deep(4), 20, 20).protectedCount).toBe(3);
  });

  test('of ltmp has neither a keep ratio nor counts', () => {
    const policy = ltmp({ layers: [1], pruneBelow: 0.1, mergeAbove: 0.9 });
    expect(resolvePolicy(policy, deep(4), 20)).toEqual({
      settings: defaults,
      policy,
      keep: undefined,
      protectedCount: 1,
      counts: undefined,
    });
  });

  test('keeps all of a prompt that is protected as a whole', () => {
    const policy = utrc({ layers: [0, 1], keep: 0.5, protectLast: 32 });
    for (const length of [1, 31, 32]) {
      expect(resolvePolicy(policy, deep(4), length).counts).toEqual([length, length]);
    }
    expect(resolvePolicy(policy, deep(4), 34).counts).toEqual([33, 33]);
  });
});

describe('what is refused', () => {
  test.each<[string, () => unknown, string]>([
    [
      'a layer that the model does not have',
      () => resolvePolicy(utrc({ layers: [10, 64], keep: 0.9 }), mamba2b8, 2048),
      'The policy utrc reduces after layer 64, but the model has 64 layers: expected 0 to 63. ' +
        'paperSchedule(config).layers fit the model.',
    ],
    [
      'more than half of the tokens for utrc', // 1023 of the 2047 candidates can go
      () => resolvePolicy(utrc({ layers: [40], flopsReduction: 0.2 }), mamba2b8, 2048),
      "The policy utrc is to save 0.2 of the blocks' FLOPs at layers 40 of 64 on 2048 tokens, but at most 0.1795 can be " +
        'saved there. Ask for less, or reduce at earlier or more layers.',
    ],
    [
      'more than all of the tokens for prune',
      () => resolvePolicy(prune({ layers: [40, 50], flopsReduction: 0.4 }), mamba2b8, 2048),
      "The policy prune is to save 0.4 of the blocks' FLOPs at layers 40, 50 of 64 on 2048 tokens, but at most 0.359 can " +
        'be saved there. Ask for less, or reduce at earlier or more layers.',
    ],
    [
      'a reduction after the last layer only',
      () => resolvePolicy(prune({ layers: [63], flopsReduction: 0.01 }), mamba2b8, 2048),
      "The policy prune is to save 0.01 of the blocks' FLOPs at layers 63 of 64 on 2048 tokens, but at most 0 can be " +
        'saved there. Ask for less, or reduce at earlier or more layers.',
    ],
    [
      'a prompt that is protected as a whole',
      () => resolvePolicy(recommended(mamba1b4, { flopsReduction: 0.1 }), mamba1b4, 20),
      "The policy prune is to save 0.1 of the blocks' FLOPs at layers 10, 15, 20, 25, 30, 35 of 48 on 20 tokens, but all " +
        'of them are protected (protectLast 32) and nothing can be removed. Use a longer prompt or a smaller ' +
        'protectLast, or leave the reduction out.',
    ],
    [
      'no tokens',
      () => resolvePolicy(prune({ layers: [1], keep: 0.9 }), mamba1b4, 0),
      'Expected a whole number of tokens above 0 for length but received 0.',
    ],
    [
      'a policy that was not made by a policy function',
      () => resolvePolicy('utrc' as never, mamba1b4, 10),
      'Expected one made by utrc(), prune(), merge() or another policy function for the reduction but received "utrc".',
    ],
    [
      'a model in place of its config',
      () => resolvePolicy(prune({ layers: [1], keep: 0.9 }), { config: mamba1b4 } as never, 10),
      'Expected the config of a model, such as model.config, for config but received an object with keys [config].',
    ],
  ])('%s', (_, work, expected) => {
    expect(argumentError(work)).toBe(expected);
  });

  test('the reachable target that the message names is reachable', () => {
    const draw = new Draw(3);
    for (let i = 0; i < 50; i++) {
      const config = deep(draw.int(4, 64));
      const options = { layers: [draw.int(0, config.layers - 2)], protectLast: draw.int(1, 8) };
      const length = draw.int(20, 3000);
      const make = draw.pick([utrc, prune]);
      const message = argumentError(() =>
        resolvePolicy(make({ ...options, flopsReduction: 0.9999 }), config, length),
      );
      const reachable = Number(message.match(/at most ([\d.]+) can/)![1]);
      if (reachable === 0) continue;
      expect(() =>
        resolvePolicy(make({ ...options, flopsReduction: reachable }), config, length),
      ).not.toThrow();
    }
  });
});

test('a policy can meet its target exactly where it can be resolved', () => {
  const draw = new Draw(11);
  const config = deep(12);
  const found = new Set<boolean>();
  for (let i = 0; i < 300; i += 1) {
    const make = draw.pick([prune, merge, utrc]);
    const options = { flopsReduction: 0.05 + 0.4 * draw.next(), protectLast: draw.int(1, 20) };
    const policy = make({ layers: draw.pick([[1], [3, 6], [2, 4, 8]]), ...options });
    const length = draw.int(1, 60);
    let resolved = true;
    try {
      resolvePolicy(policy, config, length);
    } catch {
      resolved = false;
    }
    expect(canMeet(policy, config, length)).toBe(resolved);
    found.add(resolved);
  }
  expect(found.size).toBe(2);
  expect(canMeet(prune({ layers: [1], keep: 0.5 }), config, 1)).toBe(true);
  expect(canMeet(ltmp({ layers: [1], pruneBelow: 1, mergeAbove: 1 }), config, 1)).toBe(true);
  const outside = prune({ layers: [12], flopsReduction: 0.2 });
  expect(argumentError(() => canMeet(outside, config, 8))).toContain('the model has 12 layers');
});
