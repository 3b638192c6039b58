import { ScanPath } from '../../../lib/scan-path';
import type { Draw } from '../random';

/** How a case's path walks over its rows. */
export type PathCase = {
  lengths: number[];
  order: 'forward' | 'backward' | 'permuted';
  /** The share of the rows that is visited. */
  keep: number;
  /** A sequence that loses all of its rows. */
  emptied?: number;
  /** dt, B and C come from other rows than the input, as in PlainMamba. */
  otherParams?: boolean;
};

export const plainPath: PathCase = { lengths: [37], order: 'forward', keep: 1 };

export function buildPath(c: PathCase, draw: Draw): ScanPath {
  const full = ScanPath.full(c.lengths);
  const sequences = c.lengths.map((_, s) => [...full.index.subarray(full.offsets[s], full.offsets[s + 1])]);
  const ordered = {
    forward: () => full,
    backward: () => full.reversed(),
    permuted: () =>
      full.permuted(sequences.flatMap((rows) => draw.permutation(rows.length).map((i) => rows[i]))),
  }[c.order]();
  const candidates = sequences.flatMap((rows, s) => (s === c.emptied ? [] : rows));
  const kept = draw.some(candidates, c.keep);
  const path = ordered.subset(kept.length > 0 ? kept : [draw.pick(candidates)]);
  if (!c.otherParams) return path;
  return new ScanPath({ ...path, paramIndex: draw.permutation(path.rows).slice(0, path.steps) });
}

/** Where packed sequences of these lengths begin and end. */
export function offsetsOf(lengths: readonly number[]): number[] {
  const offsets = [0];
  for (const length of lengths) offsets.push(offsets[offsets.length - 1] + length);
  return offsets;
}

/** What tables of operators along a path have in common. */
export const pathTable = [
  ['one row: a decoding step', { lengths: [1] }],
  ['one row each: decoding steps of a batch', { lengths: [1, 1, 1, 1, 1] }],
  ['packed sequences of different lengths', { lengths: [5, 1, 64, 17, 2] }],
  ['backward', { order: 'backward', lengths: [21, 1, 40] }],
  ['permuted', { order: 'permuted', lengths: [33, 8] }],
  ['skipped rows', { keep: 0.4 }],
  ['skipped rows, backward, packed', { keep: 0.5, order: 'backward', lengths: [30, 3, 41] }],
  ['skipped rows of a permuted path', { keep: 0.5, order: 'permuted', lengths: [50, 14] }],
  ['a sequence that loses all of its rows', { keep: 0.6, lengths: [12, 9, 20], emptied: 1 }],
  ['few rows left of many', { keep: 0.03, lengths: [200, 90] }],
] as const satisfies readonly (readonly [string, Partial<PathCase>])[];
