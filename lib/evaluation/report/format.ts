import type { Estimate } from '../statistics';
import type { Metric } from '../task';

/** `81.25 ± 0.39`: shares in per cent, the unit told elsewhere; without the error where one sample says nothing about it. */
export function valueText(metric: Metric, { mean, standardError }: Estimate): string {
  const scale = metric.share ? 100 : 1;
  const digits = digitsOf(metric, mean);
  const value = number(scale * mean, digits);
  return Number.isFinite(standardError) ? `${value} ± ${number(scale * standardError, digits)}` : value;
}

/** The same with a sign, so that differences are told from values. */
export function differenceText(metric: Metric, estimate: Estimate): string {
  const text = valueText(metric, estimate);
  const [value] = text.split(' ');
  return estimate.mean > 0 && Number(value) !== 0 ? `+${text}` : text;
}

/** What a metric's values are in. */
export function unitOf({ name, aggregate, share }: Metric): string {
  if (share) return 'per cent';
  if (aggregate === 'perplexity') return 'perplexity';
  return name === 'logprob' ? 'nats' : name.startsWith('bits') ? name.replaceAll('_', ' ') : 'mean';
}

export function percent(share: number, digits = 1): string {
  return `${Number((100 * share).toFixed(digits))} %`;
}

function digitsOf({ share, aggregate }: Metric, mean: number): number {
  if (share) return 2;
  if (aggregate === 'perplexity') return Math.abs(mean) < 1000 ? 2 : 0;
  return 4;
}

function number(value: number, digits: number): string {
  const text = Math.abs(value) < 1e9 ? value.toFixed(digits) : value.toExponential(2);
  return text.replace(/^-(0(\.0*)?)$/, '$1'); // no minus before zeros
}
