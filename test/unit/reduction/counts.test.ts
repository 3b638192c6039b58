import { readFileSync } from 'node:fs';
import {
  type CountedPolicy,
  countsAfter,
  merge,
  policyFromJSON,
  protectedCount,
  prune,
  recent,
  releasedUtrc,
  utrc,
} from '../../../lib/reduction';
import { Draw } from '../../helpers/random';
import { readTensors } from '../../helpers/read-tensors';
import { reference } from '../../helpers/reference';

const layers = [0, 1, 2, 3];
const at = (keep: number) => ({ layers: [0], keep });

describe('tokens that a reduction leaves', () => {
  // policy, tokens, protected, left: from the reference's selection cases
  test.each<[CountedPolicy, number, number, number]>([
    [utrc(at(0.8)), 8, 1, 7],
    [prune(at(0.55)), 100, 1, 56], // 0.55 * 100 is above 55 in doubles
    [prune({ ...at(0.8), fuse: true }), 8, 1, 8], // 7 kept, and the fused one
    [prune({ ...at(0.8), fuse: true }), 2, 2, 2], // nothing removed: nothing fused
    [prune(at(0.01)), 50, 3, 4], // one candidate always stays
    [utrc(at(0.5)), 10, 6, 8], // 4 candidates: at most 2 can go
    [merge(at(0.5)), 10, 5, 7], // 5 candidates: 3 of even rank
    [releasedUtrc(at(0.5)), 10, 5, 7],
    [merge(at(0.5)), 10, 9, 10], // a lone candidate has no partner
    [recent(at(0.5)), 10, 9, 10],
    [recent(at(0.5)), 10, 10, 10],
    [recent(at(0.5)), 1, 1, 1],
  ])('%j of %i tokens with %i protected', (policy, length, protectedTokens, left) => {
    expect(countsAfter(policy, policy.keep!, length, protectedTokens)).toEqual([left]);
  });

  test('one reduction starts from what the one before left', () => {
    expect(countsAfter(prune({ layers, keep: 0.5 }), 0.5, 100, 1)).toEqual([50, 25, 13, 7]);
    expect(countsAfter(prune({ layers, keep: 0.5, fuse: true }), 0.5, 100, 1)).toEqual([51, 27, 15, 9]);
  });

  test('keep 1 leaves all', () => {
    for (const policy of [utrc({ layers, keep: 1 }), prune({ layers, keep: 1, fuse: true })]) {
      expect(countsAfter(policy, 1, 77, 1)).toEqual([77, 77, 77, 77]);
    }
  });

  test('never rises, never falls below what is protected and one more, and a larger keep ratio never keeps less', () => {
    const draw = new Draw(1);
    for (let i = 0; i < 500; i++) {
      const make = draw.pick([utrc, merge, releasedUtrc, prune, recent]);
      const [keep, more] = [0.5 + 0.5 * draw.next(), 0.5 + 0.5 * draw.next()].sort();
      const length = draw.int(1, 300);
      const policy = make({ layers, keep, protectLast: draw.int(1, 40) });
      const protectedTokens = protectedCount(policy, length);
      const counts = countsAfter(policy, keep, length, protectedTokens);
      counts.forEach((count, j) => {
        expect(count).toBeLessThanOrEqual(j === 0 ? length : counts[j - 1]);
        expect(count).toBeGreaterThanOrEqual(Math.min(length, protectedTokens + 1));
        expect(countsAfter(policy, more, length, protectedTokens)[j]).toBeGreaterThanOrEqual(count);
      });
    }
  });

  const folder = reference('reduction');
  (folder ? test : test.skip)('as in every selection of the reference', async () => {
    const { cases } = JSON.parse(readFileSync(`${folder}/select.json`, 'utf8'));
    const tensors = await readTensors(`${folder}/select.safetensors`);
    let compared = 0;
    for (const { params, inputs } of cases) {
      const { name, keep, fuse } = params.policy;
      if (name === 'ltmp') continue;
      const policy = policyFromJSON({ name, ...at(keep), ...(fuse && { fuse }) }) as CountedPolicy;
      const protectedTokens = tensors.get(inputs.protected)!.ints.reduce((a, b) => a + b);
      expect(countsAfter(policy, keep, params.N, protectedTokens)).toEqual([params.n_kept]);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(300);
  });
});

describe('protected tokens', () => {
  const protects = (protect: number[], protectLast: number, length: number, start?: number) =>
    protectedCount(prune({ ...at(0.9), protect, protectLast }), length, start);

  test.each([
    ['the last one', protects([], 1, 10), 1],
    ['the last ones', protects([], 4, 10), 4],
    ['all of a short prompt', protects([], 32, 10), 10],
    ['named positions', protects([0, 5], 2, 10), 4],
    ['a position that is also among the last ones counts once', protects([0, 9], 2, 10), 3],
    ['positions that the prompt does not have are ignored', protects([0, 10, 500], 2, 10), 3],
    ['a chunk counts its own positions', protects([0, 12, 19], 2, 10, 10), 3],
  ])('%s', (_, found, expected) => {
    expect(found).toBe(expected);
  });
});
