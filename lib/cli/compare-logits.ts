/** How far logits `[V]` are from those of the unreduced model. */
export type LogitsDifference = {
  largest: number;
  /** KL divergence of the two next-token distributions, from the dense one, in nats. */
  klDivergence: number;
  sameToken: boolean;
};

export function compareLogits(dense: Float32Array, reduced: Float32Array): LogitsDifference {
  const p = logSoftmax(dense);
  const q = logSoftmax(reduced);
  let largest = 0;
  let divergence = 0;
  for (let i = 0; i < p.length; i += 1) {
    largest = Math.max(largest, Math.abs(dense[i] - reduced[i]));
    divergence += Math.exp(p[i]) * (p[i] - q[i]);
  }
  return {
    largest,
    klDivergence: Math.max(0, divergence), // rounding may leave a trace below 0
    sameToken: indexOfLargest(p) === indexOfLargest(q),
  };
}

function logSoftmax(logits: Float32Array): Float64Array {
  const largest = logits[indexOfLargest(logits)];
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  const shift = largest + Math.log(sum);
  return Float64Array.from(logits, (logit) => logit - shift);
}

function indexOfLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i += 1) if (values[i] > values[best]) best = i;
  return best;
}
