/** A mean over images, and how far it may be off: the standard error of the mean. */
export type Estimate = { mean: number; standardError: number };

/** Of shares of 0 and 1 this is p and sqrt(p (1 - p) / n). */
export function estimate(values: ArrayLike<number>): Estimate {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i += 1) {
    sum += values[i];
    squares += values[i] ** 2;
  }
  const mean = sum / values.length;
  const variance = Math.max(0, squares / values.length - mean ** 2); // rounding may leave a trace below 0
  return { mean, standardError: Math.sqrt(variance / values.length) };
}

/** Of the differences image by image, so that what makes an image hard cancels out. */
export function pairedDifference(a: ArrayLike<number>, b: ArrayLike<number>): Estimate {
  return estimate(Float64Array.from(a, (value, i) => value - b[i]));
}
