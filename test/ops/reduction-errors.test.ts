// What the operators that reduce tokens reject, and what they say; and what the addon rejects whatever lib/ops lets through.
import { ops, ScanPath, Tensor } from '../../lib';
import { native } from '../../lib/native';
import type { NativeSelectTokens } from '../../lib/native-reduction-types';

const [T, D] = [9, 6];
const scores = Tensor.zeros([T]);
const features = Tensor.zeros([T, D]);
const utrc = { name: 'utrc', keep: 0.6 } as const;
const prune = { name: 'prune', keep: 0.5 } as const;
const select = (options: object) => ops.selectTokens(options as ops.SelectTokensOptions);
const cases: [what: string, call: () => Promise<unknown>, message: string | RegExp][] = [
  [
    'no policy',
    () => select({ scores }),
    "Expected an object such as { name: 'utrc', keep: 0.9 } for the policy of ops.selectTokens but received undefined.",
  ],
  [
    'an unknown policy',
    () => select({ policy: { name: 'topk', keep: 1 }, scores }),
    "Expected one of 'utrc', 'prune', 'merge', 'ltmp', 'uniform', 'random', 'recent', 'released-utrc' for name of the " +
      'policy of ops.selectTokens but received "topk".',
  ],
  [
    'an option of another policy',
    () => select({ policy: { ...prune, seed: 3 }, scores }),
    'Expected fields among keep, fuse for the policy of ops.selectTokens but received seed for prune.',
  ],
  [
    'no keep ratio',
    () => select({ policy: { name: 'prune' }, scores }),
    'Expected a number above 0 and up to 1 for keep of the policy of ops.selectTokens but received undefined.',
  ],
  [
    'a keep ratio above 1',
    () => select({ policy: { name: 'prune', keep: 1.5 }, scores }),
    /received 1\.5\.$/,
  ],
  [
    'a share that is none',
    () => select({ policy: { ...utrc, hidden: { q: -0.1 } }, scores, features }),
    'Expected a number from 0 to 1, the share that is dropped, for hidden.q of the policy of ops.selectTokens but ' +
      'received -0.1.',
  ],
  [
    'a share without its object',
    () => select({ policy: { ...utrc, residual: 1 }, scores, features }),
    /\{ q: 0\.5 \}/,
  ],
  ['no threshold', () => select({ policy: { name: 'ltmp', pruneBelow: 0 }, scores, features }), /mergeAbove/],
  [
    'a direction',
    () => select({ policy: { ...utrc, direction: 'back' }, scores, features }),
    /'any', 'forward'/,
  ],
  ['a seed', () => select({ policy: { name: 'random', keep: 0.5, seed: 1.5 }, scores }), /2\^53 - 1/],
  ['a flag', () => select({ policy: { ...prune, fuse: 1 }, scores }), /true or false for fuse/],
  ['a layer', () => select({ policy: prune, scores, layer: -1 }), /layer of ops\.selectTokens/],
  [
    'no scores',
    () => select({ policy: prune, features }),
    'Expected a Tensor for scores of ops.selectTokens but received undefined.',
  ],
  ['no features', () => select({ policy: utrc, scores }), /Expected a Tensor for features/],
  [
    'nothing that says how many tokens',
    () => select({ policy: { name: 'recent', keep: 0.5 } }),
    /received none\.$/,
  ],
  [
    'features of another length',
    () => select({ policy: utrc, scores, features: Tensor.zeros([4, D]) }),
    `Expected a tensor of shape [T = ${T}, D] for features of ops.selectTokens but received one of shape [4, ${D}].`,
  ],
  [
    'positions that fall',
    () => select({ policy: prune, scores, positions: [0, 1, 2, 3, 3, 5, 6, 7, 8] }),
    'Expected rising positions in each sequence for positions of ops.selectTokens but received 3 after 3 at row 4.',
  ],
  ['too few positions', () => select({ policy: prune, scores, positions: [1, 2] }), /Expected 9 numbers/],
  [
    'flags other than 0 and 1',
    () => select({ policy: prune, scores, protected: [0, 0, 2, 0, 0, 0, 0, 0, 0] }),
    'Expected 0 or 1 for each row for protected of ops.selectTokens but received 2 at index 2.',
  ],
  [
    'a size of 0',
    () => select({ policy: prune, scores, sizes: new Array(T).fill(0) }),
    /at least 1 for sizes/,
  ],
  [
    'offsets that end elsewhere',
    () => select({ policy: prune, scores, offsets: [0, 4] }),
    'Expected ascending offsets from 0 to 9, the number of rows, for offsets of ops.selectTokens but received [0, 4].',
  ],
  [
    'offsets that fall',
    () => select({ policy: prune, scores, offsets: [0, 5, 4, 9] }),
    /received \[0, 5, 4, 9\]/,
  ],
  ['offsets that are no numbers', () => select({ policy: prune, scores, offsets: 'all' }), /received "all"/],
  ['an unknown argument', () => select({ policy: prune, scores, score: scores }), /received "score"/],
  [
    'no tensor for the metric',
    () => ops.tokenImportance({ metric: 'delta', y: features }),
    'Expected a Tensor for dt of ops.tokenImportance but received undefined.',
  ],
  [
    'a metric of the scans',
    () => ops.tokenImportance({ metric: 'state' as 'clip', y: features }),
    /one of 'clip', 'l1', 'l2', 'sum', 'delta', 'novel', 'novel2'/,
  ],
];
test.each(cases)('%s', async (_what, call, message) => {
  const matched = typeof message === 'string' ? message : expect.stringMatching(message);
  await expect(call()).rejects.toMatchObject({ code: 'ERR_ARGUMENT', message: matched });
});

const good = {
  kept: Int32Array.of(1, 2),
  destHidden: Int32Array.of(1, 1, 2),
  destResidual: Int32Array.of(-1, 1, 2),
  weights: Float32Array.of(1, 1, 1),
};
const selections: [what: string, change: object, message: RegExp][] = [
  ['none', { kept: undefined }, /an Int32Array for selection\.kept/],
  ['a kept row that is not there', { kept: Int32Array.of(1, 3) }, /received 3 at index 1/],
  ['kept rows that fall', { kept: Int32Array.of(2, 1) }, /received 1 at index 1/],
  ['nothing kept', { kept: new Int32Array(0) }, /at least one row/],
  ['too few destinations', { destHidden: Int32Array.of(1) }, /3 entries, one for each row of hidden/],
  ['a destination that goes itself', { destHidden: Int32Array.of(0, 1, 2) }, /-1 or a row that is kept/],
  ['a destination that is not there', { destResidual: Int32Array.of(9, 1, 2) }, /destResidual\[0\]/],
  ['a kept row that goes elsewhere', { destResidual: Int32Array.of(-1, 2, 2) }, /itself, as the row is kept/],
  ['a negative weight', { weights: Float32Array.of(1, -1, 1) }, /finite number of at least 0/],
  ['no weight at all', { weights: Float32Array.of(0, 0, 1) }, /weights of row 1/],
];
test.each(selections)('a selection with %s', async (_what, change, message) => {
  const [hidden, residual] = [Tensor.zeros([3, 2]), Tensor.zeros([3, 2])];
  await ops.reduceTokens({ hidden, residual, selection: good });
  await expect(
    ops.reduceTokens({ hidden, residual, selection: { ...good, ...change } }),
  ).rejects.toMatchObject({ code: 'ERR_ARGUMENT', message: expect.stringMatching(message) });
});

test('a compacted path whose parameters are elsewhere', () => {
  const path = new ScanPath({ index: [0, 1], paramIndex: [0, 2] });
  expect(() => path.compacted()).toThrow('Expected rows that the path visits for paramIndex but received 2.');
});

describe('the addon itself', () => {
  const int32s = (...values: number[]) => Int32Array.from(values);
  const reduce = {
    rows: 3,
    keptRows: 2,
    dim: 2,
    hidden: new Float32Array(6),
    destHidden: int32s(1, 1, 2),
    weights: new Float32Array(3).fill(1),
    kept: int32s(1, 2),
    hiddenOut: new Float32Array(4),
  };
  const described = {
    positions: int32s(0, 1, 2),
    protected: int32s(0, 0, 1),
    keptOffsets: int32s(0, 2),
    start: 0,
    positionsOut: new Int32Array(2),
    protectedOut: new Int32Array(2),
    gapOut: new Int32Array(2),
  };
  const numbers = { keep: 0.5, qHidden: 0, qResidual: 0, pruneBelow: 0, mergeAbove: 0, seed: 0, layer: 0 };
  const choose: NativeSelectTokens = {
    ...numbers,
    policy: 'random',
    fuse: false,
    forward: false,
    offsets: int32s(0, 3),
    positions: int32s(0, 1, 2),
    kept: new Int32Array(3),
    keptSizes: new Int32Array(3),
    keptOffsets: new Int32Array(2),
    destHidden: new Int32Array(3),
    destResidual: new Int32Array(3),
    weights: new Float32Array(3),
  };

  test('runs what is whole', async () => {
    await native.runOp('reduce_tokens', reduce, {});
    await native.runOp('reduce_tokens', { ...reduce, ...described }, {});
    await native.runOp('select_tokens', choose, {});
  });

  test.each<[string, object, string]>([
    ['a kept row that is not there', { kept: int32s(1, 3) }, 'kept'],
    ['kept rows that do not rise', { kept: int32s(1, 1) }, 'kept'],
    ['a destination that is not there', { destHidden: int32s(3, 1, 2) }, 'destHidden'],
    ['a destination below -1', { destHidden: int32s(-2, 1, 2) }, 'destHidden'],
    ['a residual branch without destinations', { residual: new Float32Array(6) }, 'destResidual'],
    ['an output that is too short', { hiddenOut: new Float32Array(3) }, 'hiddenOut'],
    ['sequences that are not all that is kept', { ...described, keptOffsets: int32s(0, 3) }, 'keptOffsets'],
    ['positions without an output', { ...described, positionsOut: undefined }, 'positionsOut'],
  ])('reduce_tokens refuses %s', async (_what, change, name) => {
    const call = async () => native.runOp('reduce_tokens', { ...reduce, ...change }, {});
    await expect(call()).rejects.toMatchObject({
      message: expect.stringContaining(`native argument ${name}`),
    });
  });

  test.each<[string, object, string]>([
    ['offsets that fall', { offsets: int32s(0, 4, 3) }, 'offsets'],
    ['no sequence', { offsets: int32s(0) }, 'offsets'],
    ['offsets beyond an output', { offsets: int32s(0, 4), positions: new Int32Array(4) }, 'kept'],
    ['a policy without its scores', { policy: 'prune' }, 'scores'],
    ['a policy without its features', { policy: 'merge', dim: 2 }, 'features'],
    ['random without positions', { positions: undefined }, 'positions'],
    ['a share that is no number', { keep: Number.NaN }, 'keep'],
    ['a share above 1', { qHidden: 1.5 }, 'qHidden'],
    ['a policy that there is not', { policy: 'top' }, 'policy'],
  ])('select_tokens refuses %s', async (_what, change, name) => {
    const call = async () => native.runOp('select_tokens', { ...choose, ...change }, {});
    await expect(call()).rejects.toMatchObject({
      message: expect.stringContaining(`native argument ${name}`),
    });
  });
});
