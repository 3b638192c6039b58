import type { CountedPolicy, PolicySettings } from './policy-types';

/** The smallest keep ratio of policies that look for a partner of each removed token among the other half. */
export const halfAtLeast = 0.5;

/** The smallest keep ratio that a policy can be given; 0 stands for any above 0. */
export function leastKeep({ name }: CountedPolicy): number {
  return name === 'utrc' || name === 'merge' || name === 'released-utrc' ? halfAtLeast : 0;
}

/** How many of the tokens at positions `start` to `start + length - 1` are protected: by position, and as the last ones. */
export function protectedCount(
  { protect, protectLast }: Pick<PolicySettings, 'protect' | 'protectLast'>,
  length: number,
  start = 0,
): number {
  const last = Math.min(protectLast, length);
  return last + protect.filter((position) => position >= start && position < start + length - last).length;
}

/**
 * Tokens that each listed layer's reduction leaves of a sequence: K of docs/reduction.md, section 4, and with `fuse` one more
 * where any are removed.
 *
 * @param keep the keep ratio, given or solved
 * @param protectedTokens how many of the tokens are protected; see `protectedCount()`
 */
export function countsAfter(
  policy: CountedPolicy,
  keep: number,
  length: number,
  protectedTokens: number,
): number[] {
  let count = length;
  return policy.layers.map(() => {
    const removed = removedTokens(policy, keep, count, protectedTokens);
    count -= removed;
    if (policy.name === 'prune' && policy.fuse && removed > 0) count += 1;
    return count;
  });
}

/** How many of `count` tokens one reduction removes: R of docs/reduction.md, section 5. */
export function removedTokens(
  policy: CountedPolicy,
  keep: number,
  count: number,
  protectedTokens: number,
): number {
  if (policy.name === 'released-top') return count - releasedTopCount(count, keep);
  const kept = Math.min(count, Math.max(Math.ceil(keep * count), protectedTokens + 1));
  return Math.min(count - kept, mostRemovable(policy, count - protectedTokens));
}

/** An odd number, the class token among them, so that there is a middle for it. */
function releasedTopCount(count: number, keep: number): number {
  const share = Math.ceil((count - 1) * keep);
  return Math.min(count, share % 2 === 0 ? share + 1 : share);
}

/** The half of the candidates that looks for partners is never larger than what can be removed. */
function mostRemovable({ name }: CountedPolicy, candidates: number): number {
  switch (name) {
    case 'utrc':
      return Math.floor(candidates / 2);
    case 'merge':
    case 'released-utrc':
      // The even ranks; a lone candidate has no partner.
      return candidates > 1 ? Math.ceil(candidates / 2) : 0;
    default:
      return candidates;
  }
}

/**
 * Rows that each block of a model processes: layer l's reduction comes after the l-th block, counted from 0.
 *
 * @param counts tokens after the reduction of each of `layers`
 */
export function layerRows(
  layerCount: number,
  layers: readonly number[],
  length: number,
  counts: readonly number[],
): number[] {
  let count = length;
  let next = 0;
  return Array.from({ length: layerCount }, (_, layer) => {
    const rows = count;
    if (layer === layers[next]) count = counts[next++];
    return rows;
  });
}

/** The rows of all blocks together. */
export function blockRows(...of: Parameters<typeof layerRows>): number {
  return layerRows(...of).reduce((sum, rows) => sum + rows, 0);
}
