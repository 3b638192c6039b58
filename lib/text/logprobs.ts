import { SkipscanError } from '../errors';

/**
 * The index of the largest of `logits` `[V]`; of equal ones, the smallest index. -Infinity marks a token that cannot be
 * chosen. Throws ERR_NATIVE on NaN and +Infinity, and when no token can be chosen: there is no right answer to give.
 */
export function argmax(logits: Float32Array): number {
  let best = -1;
  let largest = -Infinity;
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i];
    if (logit <= largest) continue;
    if (Number.isNaN(logit) || logit === Infinity)
      throw badLogits(`Logit ${i} of ${logits.length} is ${logit}`);
    best = i;
    largest = logit;
  }
  if (best < 0) throw badLogits(`None of ${logits.length} logits is above -Infinity`);
  return best;
}

/**
 * The natural log-probability of token `index` under softmax(`logits`), `logits` being `[V]`; summed in float64. Throws
 * as `argmax` does.
 */
export function logSoftmaxAt(logits: Float32Array, index: number): number {
  const largest = logits[argmax(logits)];
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i] - largest);
  return logits[index] - largest - Math.log(sum);
}

/** @internal */
export function badLogits(found: string): SkipscanError {
  return new SkipscanError(
    'ERR_NATIVE',
    `${found}, so there is no next token. Expected finite logits: the weights are damaged, or their values overflow ` +
      "this dtype. Download the checkpoint again, or load it with dtype 'f32'.",
  );
}
