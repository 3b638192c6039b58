import type { Draw } from '../random';
import type { GuardedMemory } from './guarded-memory';
import type { OpCases } from './harness';
import { offsetsOf } from './paths';

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
  /** The branches are reduced where they are. */
  inPlace: boolean;
  /** Packed sequences, `rows` in all, whose rows are described; or they are not. */
  lengths?: number[];
  /** The position of every sequence's first token. */
  start?: number;
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

/** Rising positions, flags, and what the rows that stay make of them. */
function describeRows(
  { lengths, start }: ReduceTokensCase,
  kept: readonly number[],
  memory: GuardedMemory,
  draw: Draw,
) {
  if (!lengths) return {};
  const positions = lengths.flatMap((length) => {
    let position = start ?? 0;
    return Array.from({ length }, () => {
      position += draw.int(1, 3);
      return position - 1;
    });
  });
  const keptOffsets = offsetsOf(lengths).map((end) => kept.filter((row) => row < end).length);
  return {
    positions: memory.ints(positions),
    protected: memory.ints(positions.map(() => draw.int(0, 1))),
    keptOffsets: memory.ints(keptOffsets),
    start: start ?? 0,
    positionsOut: memory.intOutput('positionsOut', kept.length),
    protectedOut: memory.intOutput('protectedOut', kept.length),
    gapOut: memory.intOutput('gapOut', kept.length),
  };
}

const table: OpCases<'reduce_tokens', ReduceTokensCase>['table'] = [
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
  ['more rows than a GPU moves at a time', { rows: 1200, dim: 40 }],
  ['positions, protected rows and gaps of one sequence', { lengths: [47] }],
  ['the same where all rows stay', { lengths: [47], keep: 1 }],
  ['packed sequences', { rows: 90, lengths: [20, 1, 40, 29], start: 5 }],
  ['sequences that lose all of their rows', { rows: 60, lengths: [0, 2, 1, 50, 1, 2, 4, 0], keep: 0.2 }],
  ['one thread', { threads: 1, dim: 300 }],
  ['more threads than work', { threads: 9, dim: 5 }],
];

export const reduceTokensCases: OpCases<'reduce_tokens', ReduceTokensCase> = {
  op: 'reduce_tokens',
  activations: ['hidden', 'hiddenOut'],
  base: { rows: 47, dim: 64, keep: 0.7, merge: 0.6, intoOne: false, residual: true, inPlace: false },
  table: [
    ...table,
    ...table.map(([why, change]) => [`${why}, in place`, { ...change, inPlace: true }] as const),
  ],
  build(c, memory, draw) {
    const { rows, dim } = c;
    const { kept, destHidden, destResidual } = buildDestinations(c, draw);
    const row = { width: dim };
    const branch = (name: string, size: number) => {
      const values = draw.floats(rows * dim, -size, size);
      if (c.inPlace) {
        const both = memory.inout(name, values, row, kept.keys(), 'free');
        return [both, both];
      }
      return [memory.input(values), memory.output(name, kept.length, row)];
    };
    const [hidden, hiddenOut] = branch('hidden', 2);
    const [residual, residualOut] = c.residual ? branch('residual', 50) : [];
    return {
      rows,
      dim,
      keptRows: kept.length,
      kept: memory.ints(kept),
      hidden,
      residual,
      destHidden: memory.ints(destHidden),
      destResidual: memory.ints(destResidual),
      weights: memory.input(draw.floats(rows, 0.1, 3)),
      hiddenOut,
      residualOut,
      ...describeRows(c, kept, memory, draw),
    };
  },
  kernel({ hidden, hiddenOut }, backend) {
    if (backend !== 'cuda') return undefined;
    return hidden === hiddenOut ? '/in-place' : '/gather';
  },
  tolerance: 1e-6,
};
