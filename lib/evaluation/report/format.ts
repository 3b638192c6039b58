import type { Estimate } from '../statistics';
import type { Metric } from '../task';

/** `81.25 ± 0.39`: shares in per cent, the unit told elsewhere; without the error where one sample says nothing about it. */
export function valueText({ share }: Metric, { mean, standardError }: Estimate): string {
  return plusMinus(mean, standardError, share);
}

/** The same with a sign, so that differences are told from values. */
export function differenceText({ share }: Metric, { mean, standardError }: Estimate): string {
  const text = plusMinus(mean, standardError, share);
  return /^[-0]/.test(text) && !/[1-9]/.test(text.split(' ')[0]) ? text : mean > 0 ? `+${text}` : text;
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

function plusMinus(mean: number, standardError: number, share: boolean): string {
  const scale = share ? 100 : 1;
  const digits = share ? 2 : digitsFor(Math.abs(mean));
  const number = (value: number) => {
    const text = Math.abs(value) >= 1e6 ? value.toExponential(2) : value.toFixed(digits);
    return text.replace(/^-(0(\.0*)?)$/, '$1'); // no minus before zeros
  };
  const value = number(scale * mean);
  return Number.isFinite(standardError) ? `${value} ± ${number(scale * standardError)}` : value;
}

/** Four digits after the point, fewer where there are many before it. */
function digitsFor(size: number): number {
  return size < 10 ? 4 : size < 1000 ? 2 : 0;
}
