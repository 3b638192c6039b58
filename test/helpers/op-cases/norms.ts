import type { NativeRmsNorm } from '../../../lib/native-types';
import type { Draw } from '../random';
import type { GuardedMemory } from './guarded-memory';
import type { OpCases } from './harness';

/** A norm that is fused with the sum of x and a residual stream. */
type FusedNormCase = {
  rows: number;
  dim: number;
  eps: number;
  /** Nothing is added; or it is, into new memory, over itself or over x, or without returning the sum. */
  residual: 'none' | 'separate' | 'inPlace' | 'overX' | 'notWanted';
  /** The result overwrites x. */
  inPlace: boolean;
  /** Factor of x. */
  scale: number;
  seed?: number;
  threads?: number;
};

export type RmsNormCase = FusedNormCase & {
  /** The rows are taken from so many, in any order, some more than once. Not in place. */
  gathered?: number;
};

export type LayerNormCase = FusedNormCase & {
  /** What x is drawn around; 0 by default. */
  mean?: number;
};

const fusedBase: FusedNormCase = {
  rows: 5,
  dim: 64,
  eps: 1e-5,
  residual: 'separate',
  inPlace: false,
  scale: 1,
};

const fusedTable: readonly (readonly [why: string, change: Partial<FusedNormCase>])[] = [
  ['the base', {}],
  ['one row', { rows: 1 }],
  ['more rows than a task', { rows: 700, dim: 20 }],
  ['a width of published models', { dim: 768 }],
  ['width off the vector width', { dim: 83 }],
  ['less than a vector', { dim: 3 }],
  ['one channel', { dim: 1 }],
  ['no residual', { residual: 'none' }],
  ['no residual, over x', { residual: 'none', inPlace: true }],
  ['residual updated in place, as between blocks', { residual: 'inPlace', rows: 33 }],
  ['the sum over x', { residual: 'overX', dim: 37 }],
  ['the sum not wanted', { residual: 'notWanted' }],
  ['the sum not wanted, result over x', { residual: 'notWanted', inPlace: true, dim: 37 }],
  ['a large eps', { eps: 0.5 }],
  ['small values, where eps counts', { scale: 1e-3 }],
  ['large values', { scale: 1e4 }],
  ['one thread', { threads: 1 }],
  ['more threads than rows', { threads: 9, rows: 2 }],
  ['a row longer than a block of threads keeps', { rows: 2, dim: 8196 }],
  ['a long row in place', { rows: 2, dim: 8200, residual: 'inPlace', inPlace: true }],
];

export const rmsNormCases: OpCases<'rms_norm', RmsNormCase> = {
  op: 'rms_norm',
  activations: ['x', 'out'],
  base: fusedBase,
  table: [
    ...fusedTable,
    ['some rows of many', { gathered: 40, rows: 7 }],
    ['the last row, as before an output head', { gathered: 21, rows: 1, dim: 768, residual: 'notWanted' }],
    ['some rows, without a residual', { gathered: 9, residual: 'none' }],
    ['more rows than there are', { gathered: 3, rows: 11, dim: 37 }],
  ],
  build(c, memory, draw) {
    const { rows, gathered } = c;
    const fused = buildFused(c, memory, draw, gathered);
    return gathered
      ? { ...fused, inputRows: gathered, index: memory.ints(pickRows(rows, gathered, draw)) }
      : fused;
  },
  tolerance: 1e-6, // float32 rounding; the largest measured is 2e-7
};

export const layerNormCases: OpCases<'layer_norm', LayerNormCase> = {
  op: 'layer_norm',
  activations: ['x', 'out'],
  base: fusedBase,
  table: [
    ...fusedTable,
    ['values far from zero that hardly differ', { mean: 1e4, residual: 'none', dim: 768 }],
    ['values far from zero, off the vector width', { mean: -3e3, residual: 'none', dim: 83, inPlace: true }],
    ['a long row of values far from zero', { mean: 1e4, residual: 'none', rows: 2, dim: 8200 }],
    ['values that are all the same', { mean: 0.1, scale: 0, residual: 'none', dim: 83 }],
    ['a sum of values that are far from zero', { mean: 64, residual: 'inPlace', scale: 16 }],
  ],
  build(c, memory, draw) {
    return { ...buildFused(c, memory, draw), bias: memory.input(draw.floats(c.dim, -1, 1)) };
  },
  tolerance: 1e-6, // float32 rounding
};

/** The params that the norms have in common; the inputs have `inputRows` rows. */
function buildFused(
  { rows, dim, eps, residual, inPlace, scale, mean = 0 }: LayerNormCase,
  memory: GuardedMemory,
  draw: Draw,
  inputRows = rows,
): NativeRmsNorm {
  const row = { width: dim };
  const values = draw.floats(inputRows * dim, mean - scale, mean + scale);
  const sums = draw.floats(inputRows * dim, -scale, scale);
  const out = inPlace ? memory.inout('out', values, row) : memory.output('out', rows, row);
  const overX = residual === 'overX' ? memory.inout('residual', values, row) : undefined;
  const updated = residual === 'inPlace' ? memory.inout('residual', sums, row) : undefined;
  const given = residual === 'none' ? undefined : memory.input(sums);
  return {
    rows,
    dim,
    x: overX ?? (inPlace ? out : memory.input(values)),
    residualIn: updated ?? given,
    residualOut:
      updated ?? overX ?? (residual === 'separate' ? memory.output('residual', rows, row) : undefined),
    weight: memory.input(draw.floats(dim, -2, 2)),
    out,
    eps,
  };
}

/** The last row first. */
const pickRows = (count: number, rows: number, draw: Draw): number[] =>
  Array.from({ length: count }, (_, i) => (i === 0 ? rows - 1 : draw.int(0, rows - 1)));

export type GatedRmsNormCase = {
  rows: number;
  dim: number;
  groupSize: number;
  eps: number;
  normBeforeGate: boolean;
  /** Elements between the rows of z. */
  padding: number;
  /** The result overwrites y. */
  inPlace: boolean;
  /** Factor of z. */
  scale: number;
  /** Scores are asked for. */
  metric?: 'clip' | 'l1' | 'l2' | 'sum';
  seed?: number;
  threads?: number;
};

const gatedTable: readonly (readonly [why: string, change: Partial<GatedRmsNormCase>])[] = [
  ['the base', {}],
  ['one row', { rows: 1 }],
  ['more rows than a task', { rows: 700, dim: 20, groupSize: 10 }],
  ['a width of published models', { dim: 1536, groupSize: 1536 }],
  ['width off the vector width', { dim: 83, groupSize: 83 }],
  ['one channel', { dim: 1, groupSize: 1 }],
  ['groups', { dim: 96, groupSize: 24 }],
  ['groups off the vector width', { dim: 63, groupSize: 21 }],
  ['groups smaller than a vector', { dim: 60, groupSize: 3 }],
  ['groups of one channel', { dim: 17, groupSize: 1 }],
  ['over y, with z inside wider rows, as a block has them', { inPlace: true, padding: 29 }],
  ['over y, in groups', { inPlace: true, padding: 5, dim: 66, groupSize: 33 }],
  ['gates at their ends', { scale: 100 }],
  ['a large eps', { eps: 0.5 }],
  ['groups longer than a block of threads keeps', { rows: 2, dim: 16400, groupSize: 8200, metric: 'l1' }],
  ['one thread', { threads: 1 }],
  ['more threads than rows', { threads: 9, rows: 2 }],
  ['importance clip', { metric: 'clip' }],
  ['importance l1', { metric: 'l1' }],
  ['importance l2', { metric: 'l2' }],
  ['importance sum', { metric: 'sum' }],
  ['importance over groups off the vector width', { metric: 'l1', dim: 63, groupSize: 21 }],
  ['importance over groups of one channel', { metric: 'clip', dim: 17, groupSize: 1 }],
  ['importance over groups of published models', { metric: 'clip', dim: 2560, groupSize: 640 }],
  ['importance of a width of published models', { metric: 'clip', dim: 1536, groupSize: 1536 }],
  ['importance, over y', { metric: 'l2', inPlace: true, padding: 5, dim: 83, groupSize: 83 }],
];

export const gatedRmsNormCases: OpCases<'gated_rms_norm', GatedRmsNormCase> = {
  op: 'gated_rms_norm',
  activations: ['y', 'z', 'out'],
  base: {
    rows: 5,
    dim: 64,
    groupSize: 64,
    eps: 1e-5,
    normBeforeGate: false,
    padding: 0,
    inPlace: false,
    scale: 3,
  },
  table: [
    ...gatedTable,
    ...gatedTable.map(
      ([why, change]) => [`${why}, norm before gate`, { ...change, normBeforeGate: true }] as const,
    ),
  ],
  build({ rows, dim, groupSize, eps, normBeforeGate, padding, inPlace, scale, metric }, memory, draw) {
    const row = { width: dim };
    const gate = { width: dim, stride: dim + padding };
    const values = draw.floats(rows * dim, -2, 2);
    const out = inPlace ? memory.inout('out', values, row) : memory.output('out', rows, row);
    return {
      rows,
      dim,
      groupSize,
      y: inPlace ? out : memory.input(values),
      z: memory.input(draw.floats(rows * dim, -scale, scale), gate),
      zStride: gate.stride,
      weight: memory.input(draw.floats(dim, -2, 2)),
      out,
      eps,
      normBeforeGate,
      importance: metric && memory.output('importance', rows, { width: 1 }),
      metric,
    };
  },
  tolerance: 1e-6, // float32 rounding; the largest measured is 2e-7
};
