import { narrow } from '../../../lib/half';
import type { NativeWeight, NativeWeightDtype } from '../../../lib/native-types';
import type { Draw } from '../random';
import type { GuardedMemory } from './guarded-memory';
import type { OpCases } from './harness';

type CaseDtype = NativeWeightDtype | 'i8';

function buildWeight(
  dtype: CaseDtype,
  count: number,
  size: number,
  memory: GuardedMemory,
  draw: Draw,
): NativeWeight {
  const values = draw.floats(count, -size, size);
  return dtype === 'f32' || dtype === 'i8' ? memory.input(values) : memory.bits(narrow(values, dtype));
}

export type LinearCase = {
  rows: number;
  inputs: number;
  outputs: number;
  dtype: CaseDtype;
  /** The weight is in the backend's panels, as in a model, not row-major. */
  packed: boolean;
  bias: boolean;
  /** Elements between the rows of x and y. */
  padding: number;
  seed?: number;
  threads?: number;
};

const linearTable: readonly (readonly [why: string, change: Partial<LinearCase>])[] = [
  ['the base', {}],
  ['one row: decoding', { rows: 1 }],
  ['two rows', { rows: 2 }],
  ['three rows', { rows: 3 }],
  ['four rows', { rows: 4 }],
  ['five rows', { rows: 5 }],
  ['seven rows', { rows: 7 }],
  ['fifteen rows: one more than a tile of 14', { rows: 15 }],
  ['sixteen rows', { rows: 16 }],
  ['seventeen rows, outputs off the tile', { rows: 17, outputs: 70 }],
  ['rows of more than one block', { rows: 300, inputs: 33, outputs: 70 }],
  ['one output', { outputs: 1 }],
  ['outputs off the panels', { outputs: 33 }],
  ['outputs off the panels, one row', { outputs: 67, rows: 1 }],
  ['exactly four panels, one row', { outputs: 128, rows: 1 }],
  ['many outputs, one row', { outputs: 1000, rows: 1, inputs: 24 }],
  ['the outputs of x_proj: dt and two states', { outputs: 80, inputs: 192 }],
  ['the inputs of dt_proj', { inputs: 48, outputs: 96 }],
  ['one input', { inputs: 1 }],
  ['one input, one output, one row', { inputs: 1, outputs: 1, rows: 1 }],
  ['inputs off the vector width', { inputs: 37 }],
  ['inputs of more than one block', { inputs: 1111, outputs: 40 }],
  ['inputs of more than one block, one row', { inputs: 2050, outputs: 40, rows: 1 }],
  ['inputs off the step of a warp, one row', { inputs: 136, outputs: 9, rows: 1 }],
  ['more than one of the largest tiles, inputs off their step', { rows: 260, inputs: 40, outputs: 136 }],
  ['few outputs of many inputs', { rows: 70, inputs: 1048, outputs: 24 }],
  ['no bias', { bias: false }],
  ['rows inside wider ones, as dt in the projected row', { padding: 11 }],
  ['one thread', { threads: 1, rows: 40 }],
  ['more threads than work', { threads: 9, rows: 1, outputs: 5 }],
];
type Kind = Pick<LinearCase, 'dtype' | 'packed'>;
const eightBits: Kind = { dtype: 'i8', packed: true };
const kinds: readonly Kind[] = [
  { dtype: 'f32', packed: true },
  { dtype: 'bf16', packed: true },
  { dtype: 'f16', packed: true },
  { dtype: 'f32', packed: false },
  { dtype: 'bf16', packed: false },
  { dtype: 'f16', packed: false },
];

const linearTableOf = (kind: Kind) =>
  linearTable.map(
    ([why, change]) =>
      [`${kind.packed ? 'packed' : 'row-major'} ${kind.dtype}: ${why}`, { ...change, ...kind }] as const,
  );

export const linearCases: OpCases<'linear', LinearCase> = {
  op: 'linear',
  activations: ['x', 'y'],
  base: { rows: 20, inputs: 64, outputs: 96, dtype: 'f32', packed: true, bias: true, padding: 0 },
  table: kinds.flatMap(linearTableOf),
  build({ rows, inputs, outputs, dtype, packed, bias, padding }, memory, draw) {
    const x = { width: inputs, stride: inputs + padding };
    const y = { width: outputs, stride: outputs + padding };
    return {
      rows,
      inputs,
      outputs,
      x: memory.input(draw.floats(rows * inputs, -1, 1), x),
      xStride: x.stride,
      weight: buildWeight(dtype, outputs * inputs, 2 / Math.sqrt(inputs), memory, draw),
      weightDtype: dtype,
      weightPacked: packed,
      bias: bias ? memory.input(draw.floats(outputs, -1, 1)) : undefined,
      y: memory.output('y', rows, y),
      yStride: y.stride,
    };
  },
  kernel: ({ rows, weightDtype, weightPacked }, backend, dtype) => {
    if (backend === 'amx') return matrixUnitRoute(rows, weightDtype, weightPacked);
    if (backend !== 'cuda') return `/${weightDtype}`;
    if (rows <= 8) return '/gemv';
    if (rows <= 16) return undefined;
    return dtype === 'f32' ? '/(fma|cublaslt)' : '/(tensor|fma|cublaslt)';
  },
  // Weights are as the activations or float32 there; float32 activations take any.
  onGpu: (c, dtype) => !c.packed && (dtype === 'f32' || c.dtype === 'f32' || c.dtype === dtype),
  tolerance: 2e-6, // float32 rounding; the largest measured is 4e-7
};

/** Weights of 8 bits are what they are in the reference too; the inputs are rounded to 16 bits. */
export const eightBitLinearCases: OpCases<'linear', LinearCase> = {
  ...linearCases,
  table: linearTableOf(eightBits),
  onGpu: () => false,
  tolerance: 4e-5, // 2^-15 of the largest input of a block; the largest measured is 1.7e-5
};

/** Which products AMX takes: those with packed weights that it can multiply, and of bytes those with more than a few rows. */
function matrixUnitRoute(rows: number, dtype: CaseDtype, packed?: boolean): string {
  const takes = packed === true && (dtype === 'bf16' || (dtype === 'i8' && rows > 4));
  return `${takes ? 'amx' : 'avx512'}/${dtype}`;
}

export type EmbeddingCase = {
  rows: number;
  vocabulary: number;
  dim: number;
  dtype: CaseDtype;
  packed: boolean;
  seed?: number;
  threads?: number;
};

const embeddingTable: readonly (readonly [why: string, change: Partial<EmbeddingCase>])[] = [
  ['the base', {}],
  ['one token', { rows: 1 }],
  ['more tokens than a task', { rows: 900, dim: 70 }],
  ['a vocabulary off the panels', { vocabulary: 37 }],
  ['a vocabulary of one', { vocabulary: 1 }],
  ['width off the vector width', { dim: 83 }],
  ['one channel', { dim: 1 }],
  ['one thread', { threads: 1 }],
];

export const embeddingCases: OpCases<'embedding', EmbeddingCase> = {
  op: 'embedding',
  activations: ['out'],
  base: { rows: 20, vocabulary: 64, dim: 48, dtype: 'f32', packed: true },
  table: [...kinds, eightBits].flatMap((kind) =>
    embeddingTable.map(
      ([why, change]) =>
        [`${kind.packed ? 'packed' : 'row-major'} ${kind.dtype}: ${why}`, { ...change, ...kind }] as const,
    ),
  ),
  build({ rows, vocabulary, dim, dtype, packed }, memory, draw) {
    return {
      rows,
      vocabulary,
      dim,
      ids: Int32Array.from({ length: rows }, (_, i) =>
        i === 0 ? vocabulary - 1 : draw.int(0, vocabulary - 1),
      ),
      table: buildWeight(dtype, vocabulary * dim, 1, memory, draw),
      tableDtype: dtype,
      tablePacked: packed,
      out: memory.output('out', rows, { width: dim }),
    };
  },
  onGpu: ({ packed }) => !packed,
  tolerance: 0, // nothing is computed
};
