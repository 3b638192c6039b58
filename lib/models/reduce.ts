import type { NativeReduction } from '../native-model-types';
import type { Policy } from '../reduction/policy-types';
import { resolvePolicy } from '../reduction/resolve';
import type { ModelConfig } from './model-config';

/** What a reduction left: the original positions of the rows, sequence s being `offsets[s]` to `offsets[s + 1] - 1`. */
export type Kept = {
  /** The block after which it was, counted from 0; -1 for the prompt itself. */
  layer: number;
  /** `[sequences + 1]` where each sequence begins. */
  offsets: Int32Array;
  /** `[rows]` the position of each row in its own prompt, rising in a sequence. */
  positions: Int32Array;
};

/**
 * A policy met with a model and prompts, as the engine takes it. Every sequence has its own keep ratio: a target in FLOPs
 * means another one for another length.
 *
 * @param lengths tokens of each sequence, or of each image
 * @param start position of the first token
 */
export function nativeReduction(
  policy: Policy,
  config: ModelConfig,
  lengths: readonly number[],
  start = 0,
): NativeReduction {
  const resolved = lengths.map((length) => resolvePolicy(policy, config, length, start));
  const { policy: p, settings } = resolved[0];
  return {
    name: p.name,
    layers: p.layers,
    keep: resolved.map(({ keep }) => keep ?? 1),
    metric: settings.importance.metric,
    source: settings.importance.source,
    alignment: settings.alignment,
    conv: settings.conv,
    similarity: 'similarity' in p ? p.similarity : 'hidden',
    qHidden: p.name === 'utrc' ? p.hidden.q : 0,
    qResidual: p.name === 'utrc' ? p.residual.q : 0,
    pruneBelow: p.name === 'ltmp' ? p.pruneBelow : 0,
    mergeAbove: p.name === 'ltmp' ? p.mergeAbove : 0,
    seed: p.name === 'random' ? p.seed : 0,
    fuse: p.name === 'prune' && p.fuse,
    forward: settings.direction === 'forward',
    protect: settings.protect,
    protectLast: settings.protectLast,
  };
}

/** How many rows of sequence `s` each reduction left. */
export function countsOf(kept: readonly Kept[], s: number): number[] {
  return kept.map(({ offsets }) => offsets[s + 1] - offsets[s]);
}
