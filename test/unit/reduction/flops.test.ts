import {
  blockFlopsPerToken,
  type FlopsOptions,
  flops,
  ltmp,
  merge,
  type Policy,
  paperSchedule,
  prune,
  random,
  recent,
  recommended,
  releasedUtrc,
  uniform,
  utrc,
} from '../../../lib/reduction';
import { argumentError, deep, mamba1b4, mamba2b8, mambaTwo2b7 } from './fixtures';

describe('without reduction', () => {
  test('a block of Mamba-1', () => {
    const [D, E, N, R, k] = [2560, 5120, 16, 160, 4];
    const expected = 2 * D * 2 * E + 2 * E * k + 2 * E * (R + 2 * N) + 2 * R * E + 9 * E * N + 2 * E * D;
    expect(blockFlopsPerToken(mamba2b8)).toBe(expected);
  });

  test('a block of Mamba-2', () => {
    const [D, E, N, G, H, k] = [2560, 5120, 128, 1, 80, 4];
    const expected =
      2 * D * (2 * E + 2 * G * N + H) + 2 * (E + 2 * G * N) * k + 6 * E * N + 2 * E + 2 * E * D;
    expect(blockFlopsPerToken(mambaTwo2b7)).toBe(expected);
  });

  test('blocks and head add up', () => {
    const blocks = 100 * 64 * blockFlopsPerToken(mamba2b8);
    const head = 2 * 2560 * 50280;
    expect(flops(mamba2b8, { length: 100 })).toEqual({ total: blocks + head, blocks, head, reduction: 0 });
    expect(flops(mamba2b8, { length: 100, headRows: 100 }).head).toBe(100 * head);
    expect(flops(mamba2b8, { length: 100, headRows: 0 }).head).toBe(0);
  });
});

describe('the blocks', () => {
  test('each counts with the tokens that reach it', () => {
    const reduction = prune({ layers: [1, 2], keep: 0.5 });
    const rows = 100 + 100 + 50 + 25; // layer 1 still sees all tokens
    expect(flops(deep(4), { length: 100, reduction }).blocks).toBe(rows * blockFlopsPerToken(deep(4)));
  });

  test('keep 0.905 at the seven layers of the 64-layer models saves the 29.84 % that the authors’ code prints', () => {
    const reduction = utrc({ ...paperSchedule(mamba2b8), keep: 0.905 });
    const percent = (length: number) =>
      (
        100 *
        (1 - flops(mamba2b8, { length, reduction }).blocks / flops(mamba2b8, { length }).blocks)
      ).toFixed(2);
    // That code multiplies by the ratio without rounding to whole tokens, as a long prompt does.
    expect(percent(2 ** 20)).toBe('29.84');
    expect(percent(2048)).toBe('29.78');
  });

  test('cost less the larger the target, and meet it', () => {
    const length = 2048;
    const dense = flops(mamba2b8, { length }).blocks;
    let before = dense;
    for (let percent = 1; percent <= 60; percent++) {
      const reduction = recommended(mamba2b8, { flopsReduction: percent / 100 });
      const { blocks } = flops(mamba2b8, { length, reduction });
      expect(blocks).toBeLessThan(before);
      expect(1 - blocks / dense).toBeGreaterThanOrEqual(percent / 100);
      before = blocks;
    }
  });

  test('keep 1 costs what no reduction costs', () => {
    const dense = flops(mamba1b4, { length: 300 });
    const { layers } = paperSchedule(mamba1b4);
    for (const make of [utrc, prune, merge, uniform, random, recent, releasedUtrc]) {
      expect(flops(mamba1b4, { length: 300, reduction: make({ layers, keep: 1 }) })).toEqual(dense);
    }
  });

  test('so does a prompt that is protected as a whole', () => {
    const reduction = utrc({ ...paperSchedule(mamba1b4), keep: 0.5, protectLast: 32 });
    for (const length of [1, 32]) {
      expect(flops(mamba1b4, { length, reduction })).toEqual(flops(mamba1b4, { length }));
    }
  });
});

describe('the reduction itself', () => {
  const at = { layers: [1], keep: 0.75 };
  // 100 tokens, 99 candidates, 25 removed
  const [N, C, removed, length] = [100, 99, 25, 100];
  const one = deep(4);
  const [D, E, S, H] = [64, 128, 128, 2];
  const pairs = 49 * 50;

  test.each<[string, Policy, number]>([
    ['prune by clip', prune(at), 2 * N * E],
    ['by l1 of the block', prune({ ...at, importance: { metric: 'l1', source: 'block' } }), 2 * N * D],
    ['by l2', prune({ ...at, importance: { metric: 'l2', source: 'ssm' } }), 2 * N * E],
    ['by sum', prune({ ...at, importance: { metric: 'sum' } }), N * E],
    ['by delta', prune({ ...at, importance: { metric: 'delta' } }), N * H],
    ['by state', prune({ ...at, importance: { metric: 'state' } }), N * (2 * E + 2 * S + 8 * H) + 2 * E * S],
    ['by novel', prune({ ...at, importance: { metric: 'novel' } }), 5 * N * D],
    ['by novel2', prune({ ...at, importance: { metric: 'novel2' } }), 5 * N * D],
    ['prune that fuses', prune({ ...at, fuse: true }), 2 * N * E + 2 * D * 2 * removed],
    // 13 of 25 are dropped from the hidden branch
    ['utrc', utrc(at), 2 * N * E + 2 * D * (pairs + C) + 2 * D * (12 + 25)],
    [
      'utrc that drops all',
      utrc({ ...at, hidden: { q: 1 }, residual: { q: 1 } }),
      2 * N * E + 2 * D * (pairs + C),
    ],
    ['merge', merge(at), 2 * D * (pairs + C) + 2 * D * 2 * removed],
    [
      'merge by the sum',
      merge({ ...at, similarity: 'sum' }),
      2 * D * (pairs + C) + D * C + 2 * D * 2 * removed,
    ],
    ['releasedUtrc', releasedUtrc(at), 2 * D * 2 * removed],
    ['uniform', uniform(at), 0],
    ['random', random(at), 0],
    ['recent', recent(at), 0],
  ])('%s', (_, reduction, expected) => {
    expect(flops(one, { length, reduction }).reduction).toBe(expected);
  });

  test('by state in Mamba-1 weighs every channel and state', () => {
    const reduction = prune({ ...at, importance: { metric: 'state' } });
    const [E1, S1] = [4096, 16];
    expect(flops(mamba1b4, { length, reduction }).reduction).toBe(N * (5 * E1 * S1 + 6 * E1) + 2 * E1 * S1);
    const delta = prune({ ...at, importance: { metric: 'delta' } });
    expect(flops(mamba1b4, { length, reduction: delta }).reduction).toBe(N * E1);
  });

  test('every reduction counts, at its own number of tokens', () => {
    const reduction = prune({ layers: [0, 1, 2], keep: 0.5 });
    expect(flops(one, { length, reduction }).reduction).toBe(2 * (100 + 50 + 25) * E);
  });

  test('is part of the total, and small', () => {
    const reduction = utrc({ ...paperSchedule(mamba2b8), flopsReduction: 0.2 });
    const { total, blocks, head, reduction: own } = flops(mamba2b8, { length: 2048, reduction });
    expect(total).toBe(blocks + head + own);
    expect(own).toBeGreaterThan(0);
    expect(own / blocks).toBeLessThan(0.01);
  });
});

describe('ltmp', () => {
  const reduction = ltmp({ layers: [1, 2], pruneBelow: 0.1, mergeAbove: 0.9 });

  test('counts with the tokens that a pass reported', () => {
    const found = flops(deep(4), { length: 100, reduction, counts: [80, 80] });
    expect(found.blocks).toBe((100 + 100 + 80 + 80) * blockFlopsPerToken(deep(4)));
    const first = 2 * 100 * 128 + 2 * 64 * (49 * 50 + 99) + 2 * 64 * 2 * 20;
    const second = 2 * 80 * 128 + 2 * 64 * (39 * 40 + 79); // compared and nothing found
    expect(found.reduction).toBe(first + second);
  });

  test.each<[Partial<FlopsOptions>, string]>([
    [
      {},
      "How many tokens ltmp keeps depends on the prompt's content. Give counts, the tokens that each reduction left, or read " +
        'stats.flops of a forward pass.',
    ],
    [{ counts: [80] }, 'Expected 2 numbers, one for each reduction, for counts but received an array of 1.'],
    [{ counts: [80, 81] }, 'Expected a whole number from 1 to 80 for counts[1] but received 81.'],
    [{ counts: [101, 80] }, 'Expected a whole number from 1 to 100 for counts[0] but received 101.'],
    [{ counts: [80, 0] }, 'Expected a whole number from 1 to 80 for counts[1] but received 0.'],
  ])('%j is refused', (o, expected) => {
    expect(argumentError(() => flops(deep(4), { length: 100, reduction, ...o }))).toBe(expected);
  });
});

test.each([
  [{ length: 0 }, 'Expected a whole number from 1 to 2^53 - 1 for length of flops() but received 0.'],
  [
    { length: 10, headRows: -1 },
    'Expected a whole number from 0 to 2^53 - 1 for headRows of flops() but received -1.',
  ],
  [
    { length: 10, policy: 1 },
    'Expected only length, headRows, reduction, counts for the options of flops() but received "policy".',
  ],
  [
    { length: 10, reduction: null },
    'Expected one made by utrc(), prune(), merge() or another policy function for the reduction but received null.',
  ],
  [
    { length: 10, reduction: prune({ layers: [0], keep: 0.5 }), counts: [5] },
    'Expected no counts with the policy prune, whose keep ratio decides them, for counts but received some.',
  ],
])('%j is refused', (o, expected) => {
  expect(argumentError(() => flops(deep(4), o as never))).toBe(expected);
});
