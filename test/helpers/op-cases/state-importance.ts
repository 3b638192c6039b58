import type { NativeAlignment } from '../../../lib/native-types';
import type { OpCases } from './harness';
import { buildPath, type PathCase, pathTable, plainPath } from './paths';

type SharedCase = PathCase & {
  dState: number;
  groups: number;
  alignment: NativeAlignment;
  softplus: boolean;
  /** The dt bias is given. */
  bias: boolean;
  /** Every second channel's or head's final state is zero. */
  zeroStates: boolean;
  /** Elements between the rows of every tensor. */
  padding: number;
  /** Factor of the time step. */
  scale: number;
  seed?: number;
  threads?: number;
};
export type SelectiveStateCase = SharedCase & { channels: number };
export type SsdStateCase = SharedCase & { heads: number; headDim: number; dtLimit: [number, number] };

const base: SharedCase = {
  ...plainPath,
  dState: 16,
  groups: 1,
  alignment: 'next',
  softplus: true,
  bias: true,
  zeroStates: false,
  padding: 0,
  scale: 1,
};

const sharedTable = [
  ['the base', {}],
  ...pathTable,
  ['skipped rows, neighbours on the path adjacent', { keep: 0.4, alignment: 'none' }],
  ['skipped rows with the dt before them', { keep: 0.4, alignment: 'previous', lengths: [40, 225] }],
  ['skipped rows with their own dt', { keep: 0.4, alignment: 'own', lengths: [40, 225] }],
  ['dt and B of other rows', { otherParams: true, keep: 0.7 }],
  ['dt and B of other rows with the dt before', { otherParams: true, keep: 0.7, alignment: 'previous' }],
  ['no bias', { bias: false }],
  ['dt without softplus', { softplus: false }],
  ['states that are zero', { zeroStates: true }],
  ['rows inside wider ones', { padding: 13, keep: 0.5, order: 'backward' }],
  ['many rows, whose decay adds up', { lengths: [3000], scale: 1e-3, softplus: false }],
  ['everything but the last rows forgotten', { lengths: [400], scale: 40 }],
  ['one row of all that is left', { lengths: [200], keep: 0.004 }],
  ['d_state 1', { dState: 1 }],
  ['d_state off the vector width', { dState: 21 }],
  ['one thread', { threads: 1 }],
] as const satisfies readonly (readonly [string, Partial<SharedCase>])[];

export const selectiveStateCases: OpCases<'selective_state_importance', SelectiveStateCase> = {
  op: 'selective_state_importance',
  activations: ['u', 'delta', 'B'],
  base: { ...base, channels: 40 },
  table: [
    ...sharedTable,
    ['channels off the vector width', { channels: 83 }],
    ['fewer channels than a vector', { channels: 3 }],
    ['one channel', { channels: 1 }],
    ['more channels than a task', { channels: 531, lengths: [19] }],
    ['two groups', { groups: 2 }],
    ['groups off the vector width', { groups: 3, channels: 66, dState: 7 }],
    ['a group for each channel', { groups: 6, channels: 6 }],
    ['more threads than work', { threads: 9, channels: 5, lengths: [2] }],
    ['a step more or less than chunks', { lengths: [7, 8, 9, 31, 32, 33] }],
    ['a step more or less than tiles', { lengths: [127, 128, 129, 257], channels: 16 }],
    ['the dt before over the borders of chunks', { lengths: [270], keep: 0.6, alignment: 'previous' }],
    ['rows at multiples of 16 bytes inside wider ones', { lengths: [140], padding: 24 }],
    ['groups of whole vectors', { lengths: [140], groups: 2, channels: 48 }],
    ['d_state 8', { dState: 8, lengths: [140] }],
    ['slices of states over tiles', { dState: 40, lengths: [140, 9], channels: 10, zeroStates: true }],
    ['d_state 256', { dState: 256, lengths: [11, 3], channels: 9, groups: 3 }],
  ],
  build(c, memory, draw) {
    const path = buildPath(c, draw);
    const { rows, steps, sequences } = path;
    const { channels, dState, groups, softplus, alignment, scale } = c;
    const wide = { width: channels, stride: channels + c.padding };
    const group = { width: groups * dState, stride: groups * dState + c.padding };
    const state = draw.floats(sequences * channels * dState, -2, 2);
    if (c.zeroStates) silenceEverySecond(state, dState);
    return {
      rows,
      channels,
      dState,
      groups,
      path,
      u: memory.input(draw.floats(rows * channels, -2, 2), wide),
      uStride: wide.stride,
      delta: memory.input(draw.floats(rows * channels, softplus ? -4 * scale : 0.001 * scale, scale), wide),
      deltaStride: wide.stride,
      A: memory.input(draw.floats(channels * dState, -8, -0.05)),
      B: memory.input(draw.floats(rows * group.width, -1, 1), group),
      BStride: group.stride,
      dtBias: c.bias
        ? memory.input(draw.floats(channels, softplus ? -1 : 0, softplus ? 1 : 1e-3))
        : undefined,
      skippedDt: alignment === 'own' ? memory.input(draw.floats(steps * channels, 0, 0.1)) : undefined,
      state: memory.input(state),
      scores: memory.output('scores', rows, { width: 1 }, path.index),
      alignment,
      softplus,
    };
  },
  tolerance: 5e-7, // float32 rounding; the largest measured is 1.2e-7
};

export const ssdStateCases: OpCases<'ssd_state_importance', SsdStateCase> = {
  op: 'ssd_state_importance',
  activations: ['x', 'dt', 'B'],
  base: { ...base, heads: 4, headDim: 16, dtLimit: [0, Infinity] },
  table: [
    ...sharedTable,
    ['dt clamped at both ends', { dtLimit: [0.3, 0.9] }],
    ['the shape of published models', { headDim: 64, dState: 128, heads: 24 }],
    ['heads off the vector width', { heads: 19 }],
    ['one head', { heads: 1 }],
    ['head_dim off the vector width', { headDim: 19 }],
    ['one channel in a head', { headDim: 1 }],
    ['two groups', { groups: 2 }],
    ['groups off the vector width', { groups: 3, heads: 6, dState: 7, headDim: 5 }],
    ['a group for each head', { groups: 4 }],
    ['more threads than work', { threads: 9, heads: 1, lengths: [2] }],
  ],
  build(c, memory, draw) {
    const path = buildPath(c, draw);
    const { rows, steps, sequences } = path;
    const { heads, headDim, dState, groups, softplus, alignment, scale } = c;
    const wide = { width: heads * headDim, stride: heads * headDim + c.padding };
    const head = { width: heads, stride: heads + c.padding };
    const group = { width: groups * dState, stride: groups * dState + c.padding };
    const stateSize = headDim * dState;
    const state = draw.floats(sequences * heads * stateSize, -2, 2);
    if (c.zeroStates) silenceEverySecond(state, stateSize);
    return {
      rows,
      heads,
      headDim,
      dState,
      groups,
      path,
      x: memory.input(draw.floats(rows * wide.width, -2, 2), wide),
      xStride: wide.stride,
      dt: memory.input(draw.floats(rows * heads, softplus ? -4 * scale : 0.001 * scale, scale), head),
      dtStride: head.stride,
      A: memory.input(draw.floats(heads, -8, -0.05)),
      B: memory.input(draw.floats(rows * group.width, -1, 1), group),
      BStride: group.stride,
      dtBias: c.bias ? memory.input(draw.floats(heads, softplus ? -1 : 0, softplus ? 1 : 1e-3)) : undefined,
      dtMin: c.dtLimit[0],
      dtMax: c.dtLimit[1],
      skippedDt: alignment === 'own' ? memory.input(draw.floats(steps * heads, 0, 0.1)) : undefined,
      state: memory.input(state),
      scores: memory.output('scores', rows, { width: 1 }, path.index),
      alignment,
      softplus,
    };
  },
  tolerance: 5e-7, // float32 rounding; the largest measured is 1.2e-7
};

function silenceEverySecond(values: Float32Array, size: number): void {
  for (let begin = 0; begin < values.length; begin += 2 * size) values.fill(0, begin, begin + size);
}
