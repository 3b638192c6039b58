import {
  ltmp,
  merge,
  type Policy,
  policyFromJSON,
  policyNames,
  prune,
  random,
  recent,
  releasedTop,
  releasedUtrc,
  uniform,
  utrc,
} from '../../../lib/reduction';
import { argumentError } from './fixtures';

/** Options that types would refuse. */
const any = (o: unknown) => o as never;
const some = { layers: [10, 15], keep: 0.9 };

const shared = {
  layers: [10, 15],
  importance: { metric: 'clip', source: 'gated' },
  alignment: 'next',
  conv: 'compact',
  direction: 'any',
  protect: [],
  protectLast: 1,
};

const policies: Policy[] = [
  utrc(some),
  utrc({
    layers: [3],
    flopsReduction: 0.2,
    hidden: { q: 0.25 },
    residual: { q: 1 },
    importance: { metric: 'l2', source: 'ssm' },
    alignment: 'previous',
    conv: 'aligned',
    direction: 'forward',
    similarity: 'sum',
    protect: [4, 2, 4],
    protectLast: 32,
  }),
  prune({ ...some, fuse: true, importance: { metric: 'state' } }),
  merge({ ...some, similarity: 'residual' }),
  uniform(some),
  random({ ...some, seed: 2 ** 53 - 1 }),
  recent({ layers: [0], keep: 1 }),
  releasedUtrc(some),
  releasedTop(some),
  ltmp({ layers: [1, 2], pruneBelow: -0.5, mergeAbove: 0.9 }),
];

describe('defaults', () => {
  test.each([
    [utrc(some), { name: 'utrc', keep: 0.9, hidden: { q: 0.5 }, residual: { q: 0 }, similarity: 'hidden' }],
    [prune(some), { name: 'prune', keep: 0.9, fuse: false }],
    [
      merge({ layers: [10, 15], flopsReduction: 0.1 }),
      { name: 'merge', flopsReduction: 0.1, similarity: 'hidden' },
    ],
    [uniform(some), { name: 'uniform', keep: 0.9 }],
    [random(some), { name: 'random', keep: 0.9, seed: 0 }],
    [recent(some), { name: 'recent', keep: 0.9 }],
    [releasedUtrc(some), { name: 'released-utrc', keep: 0.9 }],
    [
      ltmp({ layers: [10, 15], pruneBelow: 0.1, mergeAbove: 0.8 }),
      { name: 'ltmp', pruneBelow: 0.1, mergeAbove: 0.8 },
    ],
  ])('$name', (policy, own) => {
    expect(policy).toStrictEqual({ ...shared, ...own });
  });

  test('released-top has no settings but its own', () => {
    expect(releasedTop({ layers: [4, 9] })).toStrictEqual({
      name: 'released-top',
      layers: [4, 9],
      keep: 0.8,
    });
  });

  test('one part of importance, or of the branches, leaves the other as it is', () => {
    expect(prune({ ...some, importance: { source: 'block' } }).importance).toEqual({
      metric: 'clip',
      source: 'block',
    });
    const { hidden, residual } = utrc({ ...some, residual: { q: 0.2 } });
    expect([hidden.q, residual.q]).toEqual([0.5, 0.2]);
  });

  test('an option that is undefined was not given', () => {
    expect(utrc({ ...some, flopsReduction: undefined, hidden: undefined, protectLast: undefined })).toEqual(
      utrc(some),
    );
  });

  test('protected positions are sorted, each once', () => {
    expect(prune({ ...some, protect: [100, 9, 100, 0] }).protect).toEqual([0, 9, 100]);
  });
});

describe('plain data', () => {
  test('every maker is covered', () => {
    expect(new Set(policies.map(({ name }) => name))).toEqual(new Set(policyNames));
  });

  test.each(policies)('$name survives JSON', (policy) => {
    const again = policyFromJSON(JSON.parse(JSON.stringify(policy)));
    expect(again).toStrictEqual(policy);
    expect(policyFromJSON(policy)).toStrictEqual(policy);
  });

  test.each(policies)('$name is frozen and keeps no hold on what it was made from', (policy) => {
    expect(Object.isFrozen(policy)).toBe(true);
    for (const value of Object.values(policy)) expect(Object.isFrozen(value)).toBe(true);
    const layers = [1, 2];
    const made = prune({ layers, keep: 0.9 });
    layers.push(3);
    expect(made.layers).toEqual([1, 2]);
  });

  test('options without defaults can be left to the maker', () => {
    expect(policyFromJSON({ name: 'utrc', ...some })).toStrictEqual(utrc(some));
  });

  test.each([
    [
      undefined,
      'Expected one made by utrc(), prune(), merge() or another policy function for the policy but received undefined.',
    ],
    [
      'utrc',
      'Expected one made by utrc(), prune(), merge() or another policy function for the policy but received "utrc".',
    ],
    [
      { name: 'UTRC', ...some },
      "Expected one of 'utrc', 'prune', 'merge', 'uniform', 'random', 'recent', 'released-utrc', 'released-top', 'ltmp' for " +
        'name of the policy but received "UTRC".',
    ],
    [{ name: 'toString' }, /^Expected one of 'utrc', .* received "toString"\.$/],
    [{ name: 'prune', ...some, keep: 2 }, /for keep of prune\(\) but received 2\.$/],
  ])('%j is refused', (json, expected) => {
    const message = argumentError(() => policyFromJSON(json));
    if (typeof expected === 'string') expect(message).toBe(expected);
    else expect(message).toMatch(expected);
  });
});

describe('what is refused', () => {
  const both =
    'Give keep, the share of the tokens that each reduction keeps, or flopsReduction, the share of FLOPs to save.';
  const half = 'It removes at most half of the tokens at each reduction; reduce at more layers instead.';

  test.each<[string, () => unknown, string]>([
    [
      'no options',
      () => utrc(any(undefined)),
      'Expected an object with layers, importance, alignment, conv, direction, protect, protectLast, keep, ' +
        'flopsReduction, hidden, residual, similarity for the options of utrc() but received undefined.',
    ],
    [
      'an unknown option',
      () => prune(any({ ...some, protectlast: 4 })),
      'Expected only layers, importance, alignment, conv, direction, protect, protectLast, keep, flopsReduction, fuse ' +
        'for the options of prune() but received "protectlast".',
    ],
    [
      'an option of another policy',
      () => ltmp(any({ layers: [1], pruneBelow: 0, mergeAbove: 1, keep: 0.9 })),
      'Expected only layers, importance, alignment, conv, direction, protect, protectLast, pruneBelow, mergeAbove for ' +
        'the options of ltmp() but received "keep".',
    ],
    [
      'an unknown option within another',
      () => utrc(any({ ...some, importance: { kind: 'l1' } })),
      'Expected only metric, source for importance of utrc() but received "kind".',
    ],
    [
      'a value where an object belongs',
      () => utrc(any({ ...some, hidden: 0.5 })),
      'Expected an object with q for hidden of utrc() but received 0.5.',
    ],
    [
      'both amounts',
      () => utrc(any({ layers: [1], keep: 0.9, flopsReduction: 0.1 })),
      `Expected exactly one for keep or flopsReduction of utrc() but received both. ${both}`,
    ],
    [
      'neither amount',
      () => recent(any({ layers: [1] })),
      `Expected exactly one for keep or flopsReduction of recent() but received neither. ${both}`,
    ],
    [
      'keep 0',
      () => prune({ layers: [1], keep: 0 }),
      'Expected a number above 0 and up to 1 for keep of prune() but received 0.',
    ],
    [
      'keep in percent',
      () => prune({ layers: [1], keep: 90 }),
      'Expected a number above 0 and up to 1 for keep of prune() but received 90.',
    ],
    [
      'keep NaN',
      () => prune({ layers: [1], keep: Number.NaN }),
      'Expected a number above 0 and up to 1 for keep of prune() but received NaN.',
    ],
    [
      'keep null',
      () => prune(any({ layers: [1], keep: null })),
      'Expected a number above 0 and up to 1 for keep of prune() but received null.',
    ],
    ...(['utrc', 'merge', 'releasedUtrc'] as const).map((name): [string, () => unknown, string] => [
      `less than half for ${name}`,
      () => ({ utrc, merge, releasedUtrc })[name]({ layers: [1], keep: 0.499 }),
      `Expected at least 0.5 for keep of ${name}() but received 0.499. ${half}`,
    ]),
    [
      'flopsReduction 0',
      () => merge({ layers: [1], flopsReduction: 0 }),
      'Expected a number above 0 and below 1, the share of FLOPs to save, for flopsReduction of merge() but received 0.',
    ],
    [
      'flopsReduction in percent',
      () => merge({ layers: [1], flopsReduction: 20 }),
      'Expected a number above 0 and below 1, the share of FLOPs to save, for flopsReduction of merge() but received 20.',
    ],
    [
      'no layers option',
      () => prune(any({ keep: 0.9 })),
      'Expected an array of layers, counted from 0, for layers of prune() but received undefined.',
    ],
    [
      'a single number for layers',
      () => prune(any({ layers: 3, keep: 0.9 })),
      'Expected an array of layers, counted from 0, for layers of prune() but received 3.',
    ],
    [
      'empty layers',
      () => prune({ layers: [], keep: 0.9 }),
      'Expected at least one layer for layers of prune() but received none. paperSchedule(config).layers fit any model.',
    ],
    [
      'unsorted layers',
      () => prune({ layers: [1, 7, 5], keep: 0.9 }),
      'Expected rising layers for layers of prune() but received 5 after 7. Sort them.',
    ],
    [
      'repeated layers',
      () => prune({ layers: [1, 7, 7], keep: 0.9 }),
      'Expected each layer once for layers of prune() but received layer 7 twice. Remove the repetition.',
    ],
    [
      'a negative layer',
      () => prune({ layers: [-1, 7], keep: 0.9 }),
      'Expected a whole number from 0 for layers[0] of prune() but received -1.',
    ],
    [
      'half a layer',
      () => prune({ layers: [1, 7.5], keep: 0.9 }),
      'Expected a whole number from 0 for layers[1] of prune() but received 7.5.',
    ],
    [
      'a layer by name',
      () => prune(any({ layers: ['1'], keep: 0.9 })),
      'Expected a whole number from 0 for layers[0] of prune() but received "1".',
    ],
    [
      'q above 1',
      () => utrc({ ...some, hidden: { q: 1.5 } }),
      'Expected a number from 0 to 1, the share that is dropped, for hidden.q of utrc() but received 1.5.',
    ],
    [
      'q below 0',
      () => utrc({ ...some, residual: { q: -0.1 } }),
      'Expected a number from 0 to 1, the share that is dropped, for residual.q of utrc() but received -0.1.',
    ],
    [
      'an unknown metric',
      () => prune(any({ ...some, importance: { metric: 'clipped' } })),
      "Expected one of 'clip', 'l1', 'l2', 'sum', 'delta', 'state', 'novel', 'novel2' for importance.metric of prune() " +
        'but received "clipped".',
    ],
    [
      'an unknown source',
      () => prune(any({ ...some, importance: { source: 'y' } })),
      "Expected one of 'gated', 'ssm', 'block' for importance.source of prune() but received \"y\".",
    ],
    [
      "alignment 'own', which only operators have",
      () => prune(any({ ...some, alignment: 'own' })),
      "Expected one of 'none', 'next', 'previous' for alignment of prune() but received \"own\".",
    ],
    [
      'an unknown convolution',
      () => prune(any({ ...some, conv: true })),
      "Expected one of 'compact', 'aligned' for conv of prune() but received true.",
    ],
    [
      'an unknown direction',
      () => merge(any({ ...some, direction: 'backward' })),
      "Expected one of 'any', 'forward' for direction of merge() but received \"backward\".",
    ],
    [
      'a direction that the policy cannot keep to',
      () => releasedUtrc({ ...some, direction: 'forward' }),
      "Expected 'any' for direction of releasedUtrc() but received 'forward'. It folds tokens into an earlier one, as " +
        'the published code does.',
    ],
    [
      'an unknown similarity',
      () => utrc(any({ ...some, similarity: 'both' })),
      "Expected one of 'hidden', 'residual', 'sum' for similarity of utrc() but received \"both\".",
    ],
    [
      'a fuse that is no flag',
      () => prune(any({ ...some, fuse: 1 })),
      'Expected true or false for fuse of prune() but received 1.',
    ],
    [
      'a protected position below 0',
      () => prune({ ...some, protect: [3, -1] }),
      'Expected a whole number from 0 for protect[1] of prune() but received -1.',
    ],
    [
      'a protected position alone',
      () => prune(any({ ...some, protect: 3 })),
      'Expected an array of positions for protect of prune() but received 3.',
    ],
    [
      'an unprotected last token',
      () => prune({ ...some, protectLast: 0 }),
      'Expected a whole number from 1 to 2^53 - 1 for protectLast of prune() but received 0.',
    ],
    [
      'a share for protectLast',
      () => prune({ ...some, protectLast: 1.5 }),
      'Expected a whole number from 1 to 2^53 - 1 for protectLast of prune() but received 1.5.',
    ],
    [
      'a negative seed',
      () => random({ ...some, seed: -1 }),
      'Expected a whole number from 0 to 2^53 - 1 for seed of random() but received -1.',
    ],
    [
      'a seed that a double does not hold',
      () => random({ ...some, seed: 2 ** 53 }),
      'Expected a whole number from 0 to 2^53 - 1 for seed of random() but received 9007199254740992.',
    ],
    [
      'an alignment for code that has none',
      () => releasedTop(any({ ...some, alignment: 'next' })),
      'Expected only layers, keep for the options of releasedTop() but received "alignment".',
    ],
    [
      'a target for released-top',
      () => releasedTop(any({ layers: [1], flopsReduction: 0.2 })),
      'Expected only layers, keep for the options of releasedTop() but received "flopsReduction".',
    ],
    [
      'keep 0 for released-top',
      () => releasedTop({ layers: [1], keep: 0 }),
      'Expected a number above 0 and up to 1 for keep of releasedTop() but received 0.',
    ],
    [
      'no threshold',
      () => ltmp(any({ layers: [1], mergeAbove: 0.9 })),
      'Expected a finite number for pruneBelow of ltmp() but received undefined.',
    ],
    [
      'an infinite threshold',
      () => ltmp({ layers: [1], pruneBelow: Number.NEGATIVE_INFINITY, mergeAbove: 0.9 }),
      'Expected a finite number for pruneBelow of ltmp() but received -Infinity.',
    ],
    [
      'a threshold that no cosine reaches',
      () => ltmp({ layers: [1], pruneBelow: 0, mergeAbove: 90 }),
      'Expected a cosine from -1 to 1 for mergeAbove of ltmp() but received 90.',
    ],
  ])('%s', (_, make, expected) => {
    expect(argumentError(make)).toBe(expected);
  });
});

test('metrics with tensors of their own take any source', () => {
  for (const metric of ['delta', 'state', 'novel', 'novel2'] as const) {
    expect(prune({ ...some, importance: { metric, source: 'block' } }).importance.metric).toBe(metric);
  }
});

test('utrc, merge and releasedUtrc may keep exactly half; the others less', () => {
  for (const make of [utrc, merge, releasedUtrc]) expect(make({ layers: [1], keep: 0.5 }).keep).toBe(0.5);
  for (const make of [prune, uniform, random, recent])
    expect(make({ layers: [1], keep: 0.01 }).keep).toBe(0.01);
});
