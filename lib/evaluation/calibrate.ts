import { SkipscanError } from '../errors';
import {
  type LtmpOptions,
  type LtmpPolicy,
  ltmp,
  type Policy,
  type ReleasedTopPolicy,
  releasedTop,
} from '../reduction';

/** The share of the blocks' FLOPs that a policy saves. */
export type Saved = (policy: Policy) => Promise<number>;

const bisections = 12;

/** Below every score, and above: what `sum` makes of activations is far inside. */
const everything = 1e30;

/**
 * Thresholds with which ltmp saves about `target` of the blocks' FLOPs: half of it by merging alone, the rest by dropping.
 *
 * @param options the policy's other options
 * @throws SkipscanError `ERR_ARGUMENT` when so much cannot be saved at its layers
 */
export async function calibratedLtmp(
  saved: Saved,
  target: number,
  options: Omit<LtmpOptions, 'pruneBelow' | 'mergeAbove'>,
): Promise<LtmpPolicy> {
  const at = (pruneBelow: number, mergeAbove: number) => saved(ltmp({ ...options, pruneBelow, mergeAbove }));
  const most = await at(everything, 1);
  if (most < target) {
    throw new SkipscanError(
      'ERR_ARGUMENT',
      `ltmp is to save ${target} of the blocks' FLOPs after layers ${options.layers.join(', ')}, but at most ` +
        `${Math.floor(most * 1e4) / 1e4} can be saved there. Ask for less, or reduce at earlier or more layers.`,
    );
  }
  const mergeAbove = await bisect(-1, 1, async (cosine) => (await at(-everything, cosine)) > target / 2);
  const dropsEnough = async (score: number) => (await at(score, mergeAbove)) >= target;
  let high = 1e-3;
  while (!(await dropsEnough(high))) high *= 2;
  let low = 0;
  // Only scores that may be negative leave something to do here.
  while (await dropsEnough(low)) low = low === 0 ? -1e-3 : 2 * low;
  const pruneBelow = await bisect(low, high, async (score) => !(await dropsEnough(score)));
  return ltmp({ ...options, pruneBelow, mergeAbove });
}

/** The keep ratio with which releasedTop, which knows no other amount, saves about `target` of the blocks' FLOPs. */
export async function calibratedTop(
  saved: Saved,
  target: number,
  layers: readonly number[],
): Promise<ReleasedTopPolicy> {
  const keep = await bisect(0.05, 1, async (keep) => (await saved(releasedTop({ layers, keep }))) > target);
  return releasedTop({ layers, keep });
}

/** Where `below`, true at `low` and false at `high`, turns: to four significant digits. */
async function bisect(low: number, high: number, below: (x: number) => Promise<boolean>): Promise<number> {
  for (let i = 0; i < bisections; i += 1) {
    const middle = (low + high) / 2;
    if (await below(middle)) low = middle;
    else high = middle;
  }
  return Number(((low + high) / 2).toPrecision(4));
}
