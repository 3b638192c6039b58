import type { Draw } from '../random';
import type { OpCases } from './harness';

export type ReduceTokensCase = {
  rows: number;
  dim: number;
  /** The share of the rows that stays. */
  keep: number;
  /** The share of the others that is merged, not dropped. */
  merge: number;
  /** All that are merged go into one row. */
  intoOne: boolean;
  residual: boolean;
  seed?: number;
  threads?: number;
};

/** Rows that stay, and for each branch where the others go. */
export function buildDestinations({ rows, keep, merge, intoOne }: ReduceTokensCase, draw: Draw) {
  const some = draw.some(Array(rows).keys(), keep);
  const kept = some.length > 0 ? some : [draw.int(0, rows - 1)];
  const one = draw.pick(kept);
  const branch = () =>
    Array.from({ length: rows }, (_, row) => {
      if (kept.includes(row)) return row;
      return draw.next() < merge ? (intoOne ? one : draw.pick(kept)) : -1;
    });
  return { kept, destHidden: branch(), destResidual: branch() };
}

export const reduceTokensCases: OpCases<'reduce_tokens', ReduceTokensCase> = {
  op: 'reduce_tokens',
  base: { rows: 47, dim: 64, keep: 0.7, merge: 0.6, intoOne: false, residual: true },
  table: [
    ['the base', {}],
    ['one row', { rows: 1 }],
    ['one row stays', { keep: 0, rows: 20 }],
    ['all rows stay', { keep: 1 }],
    ['all others are dropped', { merge: 0 }],
    ['all others are merged', { merge: 1, keep: 0.3 }],
    ['all others are merged into one', { merge: 1, intoOne: true, rows: 150 }],
    ['one branch', { residual: false }],
    ['a width of published models', { dim: 768 }],
    ['width off the vector width', { dim: 261 }],
    ['less than a vector', { dim: 3 }],
    ['one channel', { dim: 1 }],
    ['one thread', { threads: 1, dim: 300 }],
    ['more threads than work', { threads: 9, dim: 5 }],
  ],
  build(c, memory, draw) {
    const { rows, dim, residual } = c;
    const { kept, destHidden, destResidual } = buildDestinations(c, draw);
    const out = (name: string) => memory.output(name, kept.length, { width: dim });
    return {
      rows,
      dim,
      keptRows: kept.length,
      kept: memory.ints(kept),
      hidden: memory.input(draw.floats(rows * dim, -2, 2)),
      residual: residual ? memory.input(draw.floats(rows * dim, -50, 50)) : undefined,
      destHidden: memory.ints(destHidden),
      destResidual: memory.ints(destResidual),
      weights: memory.input(draw.floats(rows, 0.1, 3)),
      hiddenOut: out('hidden'),
      residualOut: residual ? out('residual') : undefined,
    };
  },
  tolerance: 1e-6,
};
