// Random reductions of whole models.
import {
  ltmp,
  merge,
  type Policy,
  prune,
  random,
  recent,
  releasedTop,
  releasedUtrc,
  uniform,
  utrc,
} from '../../lib';
import type { Draw } from '../helpers/random';
import { often } from './scan-cases';

type Family = 'mamba' | 'mamba2' | 'vim' | 'plainmamba';

/** Policies whose choice does not depend on what the model computes. */
const blind = ['uniform', 'random', 'recent', 'releasedUtrc'] as const;
const seeing = ['utrc', 'prune', 'merge', 'ltmp'] as const;

/** @param looks whether the policy may look at what the model computes */
export function randomPolicy(draw: Draw, layerCount: number, family: Family, looks: boolean): Policy {
  const isVision = family === 'vim' || family === 'plainmamba';
  const some = draw.some(Array(layerCount).keys(), 0.5);
  const layers = some.length > 0 ? some : [draw.int(0, layerCount - 1)];
  const keep = draw.pick([1, 0.9, 0.75, 0.5]);
  const shared = {
    layers,
    alignment: draw.pick(['next', 'next', 'previous', 'none'] as const),
    conv: draw.pick(['compact', 'compact', 'aligned'] as const),
    protect: draw.pick([[], [], [0], [3, 4, 1000]]),
    ...(isVision ? {} : { protectLast: draw.pick([1, 1, 2, 5]) }),
  };
  const scored = {
    ...shared,
    importance: {
      metric: draw.pick([
        'clip',
        'l1',
        'l2',
        'sum',
        'delta',
        'novel',
        'novel2',
        ...(isVision ? [] : ['state' as const]),
      ] as const),
      source: draw.pick(['gated', 'ssm', 'block'] as const),
    },
  };
  const direction = draw.pick(['any', 'any', 'forward'] as const);
  const similarity = draw.pick(family === 'plainmamba' ? ['hidden'] : ['hidden', 'residual', 'sum']) as
    | 'hidden'
    | 'residual'
    | 'sum';
  if (looks && family === 'vim' && often(draw, 0.1)) return releasedTop({ layers, keep });
  switch (draw.pick(looks ? [...blind, ...seeing, ...seeing] : blind)) {
    case 'uniform':
      return uniform({ ...shared, keep: draw.pick([keep, 0.1]) });
    case 'random':
      return random({ ...shared, keep: draw.pick([keep, 0.1]), seed: draw.nextUint32() });
    case 'recent':
      return recent({ ...shared, keep: draw.pick([keep, 0.1]) });
    case 'releasedUtrc':
      return releasedUtrc({ ...shared, keep });
    case 'utrc':
      return utrc({
        ...scored,
        keep,
        direction,
        similarity,
        hidden: { q: draw.pick([0.5, 0, 1, draw.next()]) },
        residual: { q: draw.pick([0, 0.5, 1, draw.next()]) },
      });
    case 'prune':
      // Shares in a final state that is far away leave the range of float32 before that of the reference's doubles, and a mean
      // weighted by nothing is a plain one.
      return prune({
        ...scored,
        keep: draw.pick([keep, 0.2]),
        fuse: scored.importance.metric !== 'state' && often(draw, 0.3),
      });
    case 'merge':
      return merge({ ...scored, keep, direction, similarity });
    default:
      return ltmp({
        ...scored,
        direction,
        pruneBelow: draw.pick([0, 0.05, 0.1]),
        mergeAbove: draw.pick([0.5, 0.9, 1]),
      });
  }
}
