import type { NativeReductionPolicy, NativeSelectTokens } from '../../../lib/native-reduction-types';
import type { Draw } from '../random';
import type { OpCases } from './harness';
import { offsetsOf } from './paths';

export type SelectTokensCase = Pick<
  NativeSelectTokens,
  'policy' | 'keep' | 'qHidden' | 'qResidual' | 'pruneBelow' | 'mergeAbove' | 'forward' | 'fuse' | 'seed'
> & {
  lengths: number[];
  dim: number;
  /** How many of each sequence's tokens stay as they are: its last one, some, all, or all but one. */
  protect: 'none' | 'last' | 'some' | 'all' | 'butOne';
  sizes: boolean;
  /** A second branch is added to the features. */
  added: boolean;
  data: Data;
  threads?: number;
};

/**
 * Random values; scores of few values and features that differ in sign only, where most comparisons end in exact ties; rows
 * that repeat a few; rows of zeros; rows whose squared norms multiply to more or less than float32 holds.
 */
type Data = 'random' | 'ties' | 'repeated' | 'zeros' | 'extreme';

function buildScores(data: Data, rows: number, draw: Draw): Float32Array {
  const scores = draw.floats(rows, -0.5, 1);
  return data === 'random' ? scores : scores.map((score) => Math.round(score * 3) / 4);
}

function buildFeatures(data: Data, rows: number, dim: number, draw: Draw): Float32Array {
  const features = draw.floats(rows * dim, -1, 1);
  if (data === 'ties') return features.map(Math.sign);
  for (let row = 0; row < rows; row++) {
    const at = row * dim;
    if (data === 'repeated' && row >= 3) {
      const from = draw.int(0, 2) * dim;
      features.copyWithin(at, from, from + dim);
    }
    if (data === 'zeros' && draw.next() < 0.6) features.fill(0, at, at + dim);
    if (data === 'extreme') {
      const factor = draw.pick([1e-16, 1e-11, 1, 1e11, 1e16]);
      for (let c = at; c < at + dim; c++) features[c] *= factor;
    }
  }
  return features;
}

function isProtected(
  protect: SelectTokensCase['protect'],
  place: number,
  length: number,
  draw: Draw,
): boolean {
  switch (protect) {
    case 'none':
      return false;
    case 'last':
      return place === length - 1;
    case 'some':
      return draw.next() < 0.3;
    case 'all':
      return true;
    case 'butOne':
      return place !== length >> 1;
  }
}

const policies: readonly (readonly [NativeReductionPolicy, Partial<SelectTokensCase>])[] = [
  ['utrc', {}],
  ['utrc', { forward: true, qHidden: 0.3, qResidual: 0.8 }],
  ['prune', {}],
  ['prune', { fuse: true }],
  ['merge', {}],
  ['merge', { forward: true }],
  ['ltmp', { pruneBelow: 0.1, mergeAbove: 0.05 }],
  ['ltmp', { pruneBelow: 9, mergeAbove: 0, forward: true }],
  ['uniform', {}],
  ['random', { seed: 2 ** 40 + 7 }],
  ['recent', {}],
  ['released-utrc', {}],
];
const situations: readonly (readonly [why: string, change: Partial<SelectTokensCase>])[] = [
  ['the base', {}],
  ['one token', { lengths: [1] }],
  ['one token, not protected', { lengths: [1], protect: 'none' }],
  ['two tokens', { lengths: [2] }],
  ['two tokens, none protected', { lengths: [2], protect: 'none', keep: 0.5 }],
  ['three tokens', { lengths: [3], keep: 0.4 }],
  ['packed sequences, each with its own count', { lengths: [40, 1, 0, 2, 17, 3, 64], keep: 0.6 }],
  ['all tokens protected', { protect: 'all' }],
  ['one candidate', { protect: 'butOne' }],
  ['some tokens protected', { protect: 'some', lengths: [50, 30] }],
  ['nothing is removed', { keep: 1 }],
  ['as little is kept as can be', { keep: 0.001, protect: 'some' }],
  ['more is to be removed than a half can give', { keep: 0.2 }],
  ['tokens that stand for several', { sizes: true }],
  ['exact ties', { data: 'ties', keep: 0.6 }],
  ['exact ties, more than a block', { data: 'ties', lengths: [700], dim: 8 }],
  ['repeated tokens', { data: 'repeated', keep: 0.55 }],
  ['zero rows', { data: 'zeros', keep: 0.55 }],
  ['features far from 1', { data: 'extreme', keep: 0.7 }],
  ['more destinations than a block', { lengths: [1300], dim: 8 }],
  ['more channels than a block, off the vector width', { lengths: [70], dim: 555 }],
  ['the same in whole vectors', { lengths: [70], dim: 560 }],
  ['one channel', { dim: 1, data: 'ties' }],
  ['both branches compared', { added: true, dim: 37 }],
  ['one thread', { threads: 1, lengths: [90, 10] }],
  ['more threads than rows', { threads: 9, lengths: [5] }],
];

export const selectTokensCases: OpCases<'select_tokens', SelectTokensCase> = {
  op: 'select_tokens',
  activations: ['features'],
  base: {
    policy: 'utrc',
    keep: 0.8,
    qHidden: 0.5,
    qResidual: 0,
    pruneBelow: 0,
    mergeAbove: 0,
    forward: false,
    fuse: false,
    seed: 0,
    lengths: [61],
    dim: 24,
    protect: 'last',
    sizes: false,
    added: false,
    data: 'random',
  },
  table: policies.flatMap(([policy, options]) => {
    const name = [policy, ...(options.fuse ? ['fused'] : []), ...(options.forward ? ['forward'] : [])].join(
      ', ',
    );
    return situations.map(([why, change]) => [`${name}: ${why}`, { policy, ...options, ...change }] as const);
  }),
  build(c, memory, draw) {
    const offsets = offsetsOf(c.lengths);
    const rows = offsets[c.lengths.length];
    const flags = c.lengths.flatMap((length) =>
      Array.from({ length }, (_, place) => Number(isProtected(c.protect, place, length, draw))),
    );
    const positions = c.lengths.flatMap((length) => Array.from({ length }, (_, place) => 3 * place + 1));
    return {
      ...c,
      offsets: memory.ints(offsets),
      scores: memory.input(buildScores(c.data, rows, draw)),
      features: memory.input(buildFeatures(c.data, rows, c.dim, draw)),
      addedFeatures: c.added ? memory.input(draw.floats(rows * c.dim, -1, 1)) : undefined,
      positions: memory.ints(positions),
      protected: c.protect === 'none' ? undefined : memory.ints(flags),
      sizes: c.sizes ? memory.ints(flags.map(() => draw.int(1, 5))) : undefined,
      layer: 3,
      kept: memory.intOutput('kept', rows, true),
      keptSizes: memory.intOutput('keptSizes', rows, true),
      keptOffsets: memory.intOutput('keptOffsets', offsets.length),
      destHidden: memory.intOutput('destHidden', rows),
      destResidual: memory.intOutput('destResidual', rows),
      weights: memory.output('weights', rows, { width: 1 }),
    };
  },
  kernel({ policy, dim = 0, addedFeatures }, backend, dtype) {
    if (backend !== 'cuda') return undefined;
    if (!['utrc', 'merge', 'ltmp'].includes(policy)) return '/rank';
    return dtype === 'f32' || addedFeatures || dim % 8 !== 0 ? '/fma' : '/tensor';
  },
  tolerance: 0, // rows and destinations are the same or wrong
};
