import { fromNative } from '../errors';
import { native } from '../native';
import { badLogits } from '../text/logprobs';
import type { Score } from './score-batch';

/** What a model makes of labels: natural log-probabilities, and whether each label is the likeliest token. */
export type LabelLogprobs = { logprobs: Float32Array; greedy: boolean[] };

/**
 * Scores a label for each row of logits `[labels.length, vocabulary]`, in float32; row by row the same whatever the other rows are.
 *
 * @throws SkipscanError `ERR_NATIVE` where logits are not finite
 */
export async function labelLogprobs(logits: Float32Array, labels: Int32Array): Promise<LabelLogprobs> {
  const rows = labels.length;
  const logprobs = new Float32Array(rows);
  const best = new Int32Array(rows);
  const params = { rows, vocabulary: logits.length / rows, logits, tokens: labels, logprobs, best };
  // One thread: it is little beside the pass that the logits are from.
  await fromNative(() => native.runOp('token_logprobs', params, { threads: 1 }));
  const bad = logprobs.findIndex((value, i) => Number.isNaN(value) || best[i] < 0);
  if (bad >= 0) throw badLogits(`Row ${bad} of ${rows} has logits that are not finite`);
  return { logprobs, greedy: Array.from(labels, (label, i) => best[i] === label) };
}

/** What they come to for one continuation. */
export function scoreOf(o: { logprobs: ArrayLike<number>; greedy: readonly boolean[] }): Score {
  const logprobs = Float32Array.from(o.logprobs);
  return {
    logprobs,
    total: Array.from(logprobs).reduce((a, b) => a + b, 0),
    greedy: o.greedy.every(Boolean),
    greedyTokens: o.greedy.filter(Boolean).length,
  };
}
