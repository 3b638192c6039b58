import { ltmp, releasedTop } from 'skipscan';

/** Every sixteenth sample is enough to set thresholds by: how much they save is then measured on all. */
const calibrationStep = 16;
const bisections = 12;

/**
 * Thresholds with which ltmp saves about `target` of the blocks' FLOPs: half of it by merging alone, the rest by dropping.
 *
 * @param measurement the model and its samples
 * @param options the policy's other options
 */
export async function calibratedLtmp(measurement, target, options) {
  const saved = (pruneBelow, mergeAbove) =>
    measurement.saved(ltmp({ ...options, pruneBelow, mergeAbove }), calibrationStep);
  const nothing = 0; // no clip score is below it
  const mergeAbove = await bisect(-1, 1, async (cosine) => (await saved(nothing, cosine)) > target / 2);
  let most = 1e-3;
  while ((await saved(most, mergeAbove)) < target) most *= 2;
  const pruneBelow = await bisect(0, most, async (score) => (await saved(score, mergeAbove)) < target);
  return ltmp({ ...options, pruneBelow, mergeAbove });
}

/** The keep ratio with which releasedTop, which knows no other amount, saves `target` of the blocks' FLOPs. */
export async function calibratedTop(measurement, target, { layers }) {
  const keep = await bisect(0.1, 1, async (keep) => {
    return (await measurement.saved(releasedTop({ layers, keep }))) > target;
  });
  return releasedTop({ layers, keep });
}

/** Where `below`, true at `low` and false at `high`, turns: to four significant digits. */
async function bisect(low, high, below) {
  for (let i = 0; i < bisections; i++) {
    const middle = (low + high) / 2;
    if (await below(middle)) low = middle;
    else high = middle;
  }
  return Number(((low + high) / 2).toPrecision(4));
}
