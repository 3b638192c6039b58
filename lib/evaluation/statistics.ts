import type { Metric } from './task';

/** A mean over samples, and how far it may be off: the standard error of the mean, NaN where one sample says nothing about it. */
export type Estimate = {
  /** Of the values; of a perplexity, what becomes of their mean. */
  mean: number;
  /** In the unit of `mean`. */
  standardError: number;
};

/** The standard error divides by n - 1, as lm-evaluation-harness does: of shares of 0 and 1 it is sqrt(p (1 - p) / (n - 1)). */
export function estimate(values: ArrayLike<number>): Estimate {
  const n = values.length;
  let sum = 0;
  for (let i = 0; i < n; i += 1) sum += values[i];
  const mean = sum / n;
  let squares = 0;
  for (let i = 0; i < n; i += 1) squares += (values[i] - mean) ** 2;
  return { mean, standardError: Math.sqrt(squares / (n - 1) / n) };
}

/** Of the differences sample by sample, so that what makes a sample hard cancels out. */
export function pairedDifference(a: ArrayLike<number>, b: ArrayLike<number>): Estimate {
  return estimate(Float64Array.from(a, (value, i) => value - b[i]));
}

/** What the samples' values make of a metric. The error of a perplexity is that of its exponent times itself (delta method). */
export function aggregate({ aggregate }: Pick<Metric, 'aggregate'>, values: ArrayLike<number>): Estimate {
  const { mean, standardError } = estimate(values);
  if (aggregate === 'mean') return { mean, standardError };
  const perplexity = Math.exp(-mean);
  return { mean: perplexity, standardError: perplexity * standardError };
}

/** `aggregate(a) - aggregate(b)`, its error from the differences sample by sample; a perplexity's are weighted by the delta method. */
export function difference(
  metric: Pick<Metric, 'aggregate'>,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): Estimate {
  if (metric.aggregate === 'mean') return pairedDifference(a, b);
  const [of, to] = [aggregate(metric, a).mean, aggregate(metric, b).mean];
  const weighted = Float64Array.from(a, (value, i) => of * value - to * b[i]);
  return { mean: of - to, standardError: estimate(weighted).standardError };
}
