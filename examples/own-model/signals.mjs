// Signals to try the classifier on: quiet noise with one event in it, as train.py makes them.

/**
 * @param {typeof import('./index.mjs').kinds[number]} kind
 * @param {() => number} random numbers from 0 to 1
 * @param {number} [samples]
 */
export function signal(kind, random, samples = 512) {
  const length = 96 + Math.floor(65 * random());
  const start = Math.floor((samples - length) * random());
  const low = 0.04 + 0.04 * random();
  const span = 0.12 + 0.1 * random();
  const signal = Float32Array.from({ length: samples }, () => 0.05 * gaussian(random));
  for (let n = 0; n < length; n += 1) signal[start + n] += event(kind, n, length, low, span);
  return signal;
}

/**
 * One sample of an event; frequencies in cycles a sample, from `low` to `low + span`.
 *
 * @param {string} kind @param {number} n @param {number} length @param {number} low @param {number} span
 */
function event(kind, n, length, low, span) {
  const t = n / length;
  const turn = 2 * Math.PI;
  const middle = Math.sin(turn * (low + span / 2) * n);
  if (kind === 'rise') return Math.sin(turn * length * (low * t + (span * t * t) / 2));
  if (kind === 'fall') return Math.sin(turn * length * ((low + span) * t - (span * t * t) / 2));
  if (kind === 'beats') return middle * Math.sin(turn * 4 * t);
  return kind === 'clicks' ? (n % 24 < 2 ? 1.5 : 0) : middle;
}

/** Normally distributed (Box and Muller). @param {() => number} random */
function gaussian(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
