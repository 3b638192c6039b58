// Random cases of the operators that reduce tokens.
import type { ReduceTokensCase } from '../helpers/op-cases/reduce-tokens';
import type { SelectTokensCase } from '../helpers/op-cases/select-tokens';
import type { TokenImportanceCase } from '../helpers/op-cases/token-importance';
import type { Draw } from '../helpers/random';
import { often, randomLengths, randomPadding, randomThreads, randomWidth } from './scan-cases';

const policies = ['utrc', 'prune', 'merge', 'ltmp', 'uniform', 'random', 'recent', 'released-utrc'] as const;

export function randomTokenImportance(draw: Draw): TokenImportanceCase {
  const lengths = randomLengths(draw);
  if (often(draw, 0.2)) lengths.push(0);
  return {
    metric: draw.pick(['clip', 'l1', 'l2', 'sum', 'novel', 'novel2']),
    lengths,
    channels: randomWidth(draw),
    padding: randomPadding(draw),
    added: often(draw, 0.3),
    special: often(draw, 0.3),
    scale: draw.pick([1, 1, 1, 1e-6, 1e11]),
    threads: randomThreads(draw),
  };
}

/**
 * Similarities of few channels crowd together, and those of many tokens do: such cases have features that differ in sign only,
 * whose ties are exact. For the others see undecided.ts.
 */
export function randomSelectTokens(draw: Draw): SelectTokensCase {
  const lengths = randomLengths(draw).map((length) => (often(draw, 0.7) ? Math.min(length, 16) : length));
  const dim = randomWidth(draw);
  const crowded = dim < 4 || lengths.some((length) => length > 24);
  const removes = draw.pick([1, 0.95, 0.5 + draw.next() / 2, draw.next(), 0.001]);
  return {
    policy: draw.pick(policies),
    keep: removes,
    qHidden: draw.pick([0, 0.5, 1, draw.next()]),
    qResidual: draw.pick([0, 0.5, 1, draw.next()]),
    pruneBelow: draw.pick([-1, 0.1, 0.3, 9]),
    mergeAbove: draw.pick([-1, 0.0123, 0.5123, 1]), // no cosine of small whole numbers
    forward: often(draw, 0.3),
    fuse: often(draw, 0.3),
    seed: draw.pick([0, 2 ** 40 + 7, draw.nextUint32()]),
    lengths: often(draw, 0.15) ? [...lengths, 0] : lengths,
    dim,
    protect: draw.pick(['none', 'last', 'last', 'some', 'all', 'butOne']),
    sizes: often(draw, 0.3),
    added: !crowded && often(draw, 0.3),
    data: crowded ? 'ties' : draw.pick(['random', 'random', 'ties', 'repeated', 'zeros', 'extreme']),
    threads: randomThreads(draw),
  };
}

export function randomReduceTokens(draw: Draw): ReduceTokensCase {
  const lengths = randomLengths(draw);
  if (often(draw, 0.3)) lengths.push(0);
  return {
    rows: lengths.reduce((a, b) => a + b),
    dim: randomWidth(draw),
    keep: draw.pick([1, 0, draw.next()]),
    merge: draw.pick([1, 0, draw.next()]),
    intoOne: often(draw, 0.3),
    residual: often(draw, 0.7),
    inPlace: often(draw, 0.4),
    lengths: often(draw, 0.6) ? lengths : undefined,
    start: draw.pick([0, 0, draw.int(1, 1000)]),
    threads: randomThreads(draw),
  };
}
