export type Rgb = readonly [red: number, green: number, blue: number];

/** matplotlib's viridis (CC0), every ninth part of it: equal steps look equally large, in print and to the colour-blind too. */
const viridis: readonly Rgb[] = [
  [68, 1, 84],
  [72, 40, 120],
  [62, 73, 137],
  [49, 104, 142],
  [38, 130, 142],
  [31, 158, 137],
  [53, 183, 121],
  [110, 206, 88],
  [181, 222, 43],
  [253, 231, 37],
];

/** The colour of a share from 0 (dark) to 1 (light). */
export function heatColour(share: number): Rgb {
  const place = Math.min(Math.max(share, 0), 1) * (viridis.length - 1);
  const below = Math.min(Math.floor(place), viridis.length - 2);
  const mix = (channel: 0 | 1 | 2) =>
    Math.round(
      viridis[below][channel] + (place - below) * (viridis[below + 1][channel] - viridis[below][channel]),
    );
  return [mix(0), mix(1), mix(2)];
}

/**
 * Where each score lies between the low and the high ones, from 0 to 1. The lowest and the highest fiftieth are cut off, so
 * that one outlier does not make all others look the same; scores that are all equal give 0.5.
 */
export function shares(scores: ArrayLike<number>): number[] {
  const sorted = Array.from(scores).sort((a, b) => a - b);
  const cut = Math.floor(sorted.length / 50);
  const low = sorted[cut];
  const range = sorted[sorted.length - 1 - cut] - low;
  return Array.from(scores, (score) => (range > 0 ? Math.min(Math.max((score - low) / range, 0), 1) : 0.5));
}
