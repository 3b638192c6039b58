// What the goldens do not pin down, on every backend: values that are not finite, the policies random, recent and
// released-utrc, the metrics novel and novel2, dtypes and defaults.
import { ops, Tensor } from '../../lib';
import * as policy from '../../lib/reduction';
import { useBackend } from '../helpers/chosen-backend';
import { expectClose } from '../helpers/close';
import { kernelSets } from '../helpers/kernel-sets';
import { philox4x32 } from '../helpers/philox';
import { Draw } from '../helpers/random';

jest.mock('../../lib/native', () => jest.requireActual('../helpers/chosen-backend'));

const draw = new Draw(11);
const [T, D] = [9, 6];
const scores = Tensor.from(draw.floats(T, 0, 1), [T]);
const features = Tensor.from(draw.floats(T * D, -1, 1), [T, D]);
const utrc = { name: 'utrc', keep: 0.6 } as const;

/** A copy of a tensor with one element replaced. */
function replaced(tensor: Tensor, index: number, value: number): Tensor {
  const data = tensor.toFloat32().slice();
  data[index] = value;
  return Tensor.from(data, tensor.shape);
}

describe.each(kernelSets())('%s', (backend) => {
  beforeAll(() => useBackend(backend));

  test('a threshold of 1 merges nothing, though rounding carries cosines of parallel rows beyond it', async () => {
    const rows = 64;
    const ray = [0.3, -0.7, 0.11];
    const lengths = Array.from({ length: rows }, () => 0.5 + draw.next());
    const parallel = Tensor.from(
      lengths.flatMap((length) => ray.map((x) => x * length)),
      [rows, 3],
    );
    const select = (mergeAbove: number) =>
      ops.selectTokens({
        policy: { name: 'ltmp', pruneBelow: -1, mergeAbove },
        scores: Tensor.zeros([rows]),
        features: parallel,
      });
    expect((await select(1)).kept).toHaveLength(rows);
    expect((await select(0.999)).kept).toHaveLength(rows / 2);
  });

  test.each([
    [Number.NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [-Infinity, '-Infinity'],
  ])('a score of %p is an error that names the row', async (value, text) => {
    await expect(
      ops.selectTokens({ policy: utrc, scores: replaced(scores, 4, value), features }),
    ).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: `Expected finite scores but row 4 has ${text}. Nothing was removed; look where the values come from.`,
    });
  });

  test('a feature that is not finite is an error that names the first such row', async () => {
    const wrong = replaced(replaced(features, 7 * D + 1, Number.NaN), 5 * D, Infinity);
    for (const policy of [utrc, { name: 'merge', keep: 0.6 } as const]) {
      await expect(ops.selectTokens({ policy, scores, features: wrong })).rejects.toMatchObject({
        code: 'ERR_ARGUMENT',
        message: /^Expected finite features but row 5 has Infinity/,
      });
    }
  });

  test('what decides nothing may be anything: scores and features of protected rows, all where nothing is removed', async () => {
    const nothing = Tensor.from(new Float32Array(T).fill(Number.NaN), [T]);
    const protect = Array.from({ length: T }, (_, row) => Number(row === 4));
    const wrong = {
      scores: replaced(scores, 4, Number.NaN),
      features: replaced(features, 4 * D, Number.NaN),
    };
    const { kept } = await ops.selectTokens({ policy: utrc, ...wrong, protected: protect });
    expect(kept).toContain(4);
    expect(
      (await ops.selectTokens({ policy: { name: 'prune', keep: 1 }, scores: nothing })).kept,
    ).toHaveLength(T);
  });

  test('a not-a-number in y reaches its score with every metric, and no other', async () => {
    const x = replaced(features, 3 * D + 2, Number.NaN);
    for (const metric of ['clip', 'l1', 'l2', 'sum', 'delta', 'novel2'] as const) {
      const result = await ops.tokenImportance({ metric, y: x, dt: x, hidden: x });
      expect([...result.scores.toFloat32()].map(Number.isNaN)).toEqual(
        Array.from({ length: T }, (_, row) => row === 3),
      );
    }
  });

  test('novel compares with the token before, novel2 with the more similar neighbour', async () => {
    const rows = [
      [1, 0],
      [1, 0],
      [0, 2],
      [3, 3],
      [0, 0],
      [5, 0],
    ];
    const hidden = Tensor.from(rows.flat(), [6, 2]);
    const offsets = [0, 5, 6];
    const half = 1 - Math.SQRT1_2;
    const novel = await ops.tokenImportance({ metric: 'novel', hidden, offsets });
    expectClose('novel', novel.scores.toFloat32(), [1, 0, 1, half, 1, 1], 1e-7);
    const novel2 = await ops.tokenImportance({ metric: 'novel2', hidden, offsets });
    expectClose('novel2', novel2.scores.toFloat32(), [0, 0, half, half, 1, 1], 1e-7);
    const zero = Tensor.zeros([6, 2]);
    const residual = await ops.tokenImportance({ metric: 'novel2', hidden: zero, residual: hidden, offsets });
    expect(residual.scores.data()).toEqual(novel2.scores.data());
  });

  test('random keeps the smallest keys of Philox4x32-10', async () => {
    for (const [seed, layer] of [
      [0, 0],
      [5, 17],
      [2 ** 40 + 3, 2],
    ]) {
      const positions = Array.from({ length: 50 }, (_, i) => 2 * i + (i > 20 ? 1 : 0));
      const key = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)];
      const ranked = positions
        .map((position, row) => ({ row, rank: philox4x32([position, layer, 0, 0], key)[0] }))
        .sort((a, b) => a.rank - b.rank);
      const want = ranked.slice(0, 20).map(({ row }) => row);
      const policy = { name: 'random', keep: 0.4, seed } as const;
      const { kept } = await ops.selectTokens({ policy, positions, layer });
      expect([...kept]).toEqual(want.sort((a, b) => a - b));
    }
  });

  test('recent drops the oldest that are not protected', async () => {
    const { kept, destHidden } = await ops.selectTokens({
      policy: { name: 'recent', keep: 0.5 },
      protected: [0, 1, 0, 0, 0, 0, 0, 1],
    });
    expect([...kept]).toEqual([1, 5, 6, 7]);
    expect([...destHidden]).toEqual([-1, 1, -1, -1, -1, 5, 6, 7]);
  });

  test('released-utrc folds rows 0, 2, 4, ... into row 1', async () => {
    const policy = { name: 'released-utrc', keep: 0.7 } as const;
    const selection = await ops.selectTokens({ policy, protected: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1] });
    expect([...selection.kept]).toEqual([1, 3, 5, 6, 7, 8, 9]);
    for (const dest of [selection.destHidden, selection.destResidual]) {
      expect([...dest]).toEqual([1, 1, 1, 3, 1, 5, 6, 7, 8, 9]);
    }
    const hidden = Tensor.from(
      Float32Array.from({ length: 10 }, (_, row) => row),
      [10, 1],
    );
    const reduced = await ops.reduceTokens({ hidden, selection });
    expect([...reduced.hidden.toFloat32()]).toEqual([(0 + 1 + 2 + 4) / 4, 3, 5, 6, 7, 8, 9]);
    expect(reduced.residual).toBeUndefined();
  });

  test('the sum of both branches is compared when both are given', async () => {
    const other = Tensor.from(draw.floats(T * D, -1, 1), [T, D]);
    const sum = features.toFloat32().map((value, i) => value + other.toFloat32()[i]);
    const policy = { name: 'merge', keep: 0.5 } as const;
    const want = await ops.selectTokens({ policy, features: Tensor.from(sum, [T, D]) });
    const got = await ops.selectTokens({ policy, features, addedFeatures: other });
    expect(got).toEqual(want);
  });

  test('bf16 branches keep their dtype, and rows that nothing merges into their bits', async () => {
    const [hidden, residual] = [await features.to('bf16'), features];
    const selection = await ops.selectTokens({
      policy: { name: 'prune', keep: 0.5 },
      scores,
      features: hidden,
    });
    const reduced = await ops.reduceTokens({ hidden, residual, selection });
    expect([reduced.hidden.dtype, reduced.residual.dtype]).toEqual(['bf16', 'f32']);
    const want = [...selection.kept].flatMap((row) => [...hidden.data().subarray(row * D, (row + 1) * D)]);
    expect([...reduced.hidden.data()]).toEqual(want);
  });

  test('a policy of a model says what is removed', async () => {
    const [layers, keep] = [[3, 7], 0.6];
    const policies = [
      policy.utrc({ layers, keep, hidden: { q: 0.2 }, direction: 'forward', similarity: 'sum' }),
      policy.prune({ layers, keep, fuse: true, protectLast: 2 }),
      policy.merge({ layers, keep }),
      policy.uniform({ layers, keep }),
      policy.random({ layers, keep, seed: 4 }),
      policy.recent({ layers, keep }),
      policy.releasedUtrc({ layers, keep }),
      policy.ltmp({ layers, pruneBelow: 0.4, mergeAbove: 0.3 }),
    ];
    for (const policy of policies) {
      const { kept } = await ops.selectTokens({ policy, scores, features });
      expect(kept.length).toBeLessThan(T);
    }
  });

  test('a batch is as many sequences', async () => {
    const shaped = (tensor: Tensor, shape: number[]) => Tensor.from(tensor.toFloat32(), shape);
    const options = { scores: shaped(scores, [3, 3]), features: shaped(features, [3, 3, D]) };
    const want = await ops.selectTokens({ policy: utrc, scores, features, offsets: [0, 3, 6, 9] });
    expect(await ops.selectTokens({ policy: utrc, ...options })).toEqual(want);
    expect([...want.positions]).toEqual([...want.kept].map((row) => row % 3));
    const { scores: clip } = await ops.tokenImportance({ y: options.features });
    expect(clip.shape).toEqual([3, 3]);
    const reduced = await ops.reduceTokens({ hidden: options.features, selection: want });
    expect(reduced.hidden.shape).toEqual([want.kept.length, D]);
  });
});

test('philox is Philox4x32-10: the known answers of its authors', () => {
  const ones = 0xffffffff;
  expect(philox4x32([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  expect(philox4x32([ones, ones, ones, ones], [ones, ones])).toEqual([
    0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd,
  ]);
  expect(philox4x32([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toEqual([
    0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1,
  ]);
});
