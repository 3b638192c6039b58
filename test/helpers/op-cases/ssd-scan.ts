import type { NativeAlignment } from '../../../lib/native-types';
import type { OpCases } from './harness';
import { buildScores, type ScoredCase, scored, scoredTable } from './importance';
import { buildPath, type PathCase, pathTable, plainPath } from './paths';

export type SsdScanCase = PathCase &
  ScoredCase & {
    heads: number;
    headDim: number;
    dState: number;
    groups: number;
    alignment: NativeAlignment;
    softplus: boolean;
    dtLimit: [number, number];
    /** D, z, dt bias and the initial state are given. */
    optional: boolean;
    DPerChannel: boolean;
    /** The final state is asked for. */
    stateOut: boolean;
    /** Elements between the rows of every tensor. */
    padding: number;
    /** The final state overwrites the initial one. */
    inPlace: boolean;
    /** Factor of dt and z. */
    scale: number;
    seed?: number;
    threads?: number;
  };

/** Up to this many steps of a sequence are a recurrence, more are chunks: kFewSteps of csrc/cpu/ssd_scan.cc. */
const fewSteps = 16;

/** Heads that a GPU's tensor cores take. */
const ofTensorCores = { headDim: 64, dState: 64, heads: 2 };

export const ssdScanCases: OpCases<'ssd_scan', SsdScanCase> = {
  op: 'ssd_scan',
  activations: ['x', 'dt', 'B', 'C', 'z', 'y'],
  base: {
    ...plainPath,
    heads: 4,
    headDim: 16,
    dState: 32,
    groups: 1,
    alignment: 'next',
    softplus: true,
    dtLimit: [0, Infinity],
    optional: true,
    DPerChannel: false,
    stateOut: true,
    padding: 0,
    inPlace: false,
    scale: 1,
  },
  table: [
    ['the base', {}],
    ...pathTable,
    ['skipped rows, neighbours on the path adjacent', { keep: 0.4, alignment: 'none' }],
    ['skipped rows with the dt before them', { keep: 0.4, alignment: 'previous', lengths: [40, 225] }],
    ['skipped rows with their own dt', { keep: 0.4, alignment: 'own', lengths: [40, 225] }],
    ['dt, B and C of other rows', { otherParams: true, keep: 0.7, lengths: [170] }],
    ['dt, B and C of other rows with the dt before', { otherParams: true, keep: 0.7, alignment: 'previous' }],
    ['no gate, skip connection, bias or state', { optional: false }],
    ['dt without softplus', { softplus: false }],
    ['dt clamped at both ends', { dtLimit: [0.3, 0.9] }],
    ['a skip connection for each channel', { DPerChannel: true }],
    ['final state not wanted', { stateOut: false, lengths: [150] }],
    ['rows inside wider ones, as x, B, C and dt of a block are', { padding: 13 }],
    ['wider rows, skipped and backward', { padding: 5, keep: 0.5, order: 'backward', lengths: [190] }],
    ['state in place, as a block decodes', { inPlace: true, lengths: [1, 1, 1] }],
    ['state in place, long', { inPlace: true, lengths: [140, 12] }],
    ['the most rows that are a recurrence', { lengths: [fewSteps] }],
    ['the fewest rows that are a chunk', { lengths: [fewSteps + 1] }],
    ['few rows of many heads', { lengths: [5, 3], heads: 12, groups: 2 }],
    ['one row less than a chunk of 64', { lengths: [63] }],
    ['a chunk of 64', { lengths: [64] }],
    ['one row more than a chunk of 64', { lengths: [65] }],
    ['one row less than a chunk of 128', { lengths: [127] }],
    ['a chunk of 128', { lengths: [128] }],
    ['one row more than a chunk of 128', { lengths: [129] }],
    ['one row more than a chunk of 256', { lengths: [257] }],
    ['many chunks', { lengths: [600], heads: 2 }],
    ['the shape of published models', { lengths: [150], headDim: 64, dState: 128, heads: 3 }],
    ['one head', { heads: 1, lengths: [70] }],
    ['one channel in a head', { headDim: 1, lengths: [70] }],
    ['head_dim off the vector width', { headDim: 19, lengths: [70] }],
    ['d_state 1', { dState: 1, lengths: [70] }],
    ['d_state off the vector width', { dState: 13, lengths: [70] }],
    ['d_state off the vector width, larger', { dState: 45, headDim: 33, lengths: [70] }],
    ['two groups', { groups: 2, lengths: [70] }],
    ['groups off the vector width', { groups: 3, heads: 6, dState: 7, headDim: 5, lengths: [70] }],
    ['a group for each head', { groups: 4, lengths: [70] }],
    ['more states than registers hold', { dState: 300, lengths: [9, 3] }],
    ['the most rows that are a recurrence on a GPU', { ...ofTensorCores, lengths: [31] }],
    ['the fewest rows that are a chunk there', { ...ofTensorCores, lengths: [32, 1] }],
    [
      'heads of two groups, whole chunks and more',
      { ...ofTensorCores, heads: 6, groups: 2, lengths: [70, 64, 5] },
    ],
    [
      'fewer heads in a group than in a block',
      { ...ofTensorCores, headDim: 32, heads: 6, groups: 2, lengths: [50] },
    ],
    ['a head of two blocks', { ...ofTensorCores, headDim: 256, heads: 1, lengths: [65] }],
    ['256 states', { ...ofTensorCores, dState: 256, lengths: [66] }],
    ['long enough for segments', { ...ofTensorCores, heads: 1, inPlace: true, lengths: [530, 280, 20] }],
    [
      'segments with the dt before them',
      { ...ofTensorCores, heads: 1, alignment: 'previous', keep: 0.8, lengths: [700] },
    ],
    ['exponentials at their ends: dt up to 40, gates up to 100', { scale: 40, lengths: [150] }],
    ['exponentials at their ends over skipped rows', { scale: 40, keep: 0.2, lengths: [150] }],
    ['tiny dt: a long memory', { scale: 1e-3, softplus: false, lengths: [300] }],
    ['one thread', { threads: 1, lengths: [140] }],
    ['more threads than work', { threads: 9, heads: 1, lengths: [2] }],
    ...scoredTable,
    ...scored<Partial<SsdScanCase>>('l2', [
      ['without a gate', { optional: false, lengths: [70, 5] }],
      ['of a few steps and of chunks', { lengths: [5, 130, 1, 8, 9] }],
      ['of one channel in a head', { headDim: 1, lengths: [70, 4] }],
      ['of head_dim off the vector width', { headDim: 19, lengths: [70, 4] }],
      ['of one head', { heads: 1, lengths: [70] }],
      ['of groups off the vector width', { groups: 3, heads: 6, dState: 7, headDim: 5, lengths: [70] }],
      ['of more heads than a task', { heads: 19, headDim: 4, lengths: [70] }],
      ['of heads for tensor cores', { ...ofTensorCores, heads: 3, lengths: [70, 4] }],
      ['of large values', { scale: 40, lengths: [150] }],
      ['on one thread', { threads: 1, lengths: [140] }],
      ['on more threads than work', { threads: 9, heads: 1, lengths: [2] }],
    ]),
    ...scored<Partial<SsdScanCase>>('delta', [
      ['without softplus', { softplus: false }],
      ['of dt clamped at both ends', { dtLimit: [0.3, 0.9] }],
      ['of a few steps and of chunks', { lengths: [5, 130, 1, 8, 9] }],
      ['of more heads than a task', { heads: 19, headDim: 4, lengths: [70] }],
    ]),
  ],
  build(c, memory, draw) {
    const path = buildPath(c, draw);
    const { rows, steps, sequences } = path;
    const { heads, headDim, dState, groups, softplus, alignment, scale } = c;
    const channels = heads * headDim;
    const wide = { width: channels, stride: channels + c.padding };
    const head = { width: heads, stride: heads + c.padding };
    const group = { width: groups * dState, stride: groups * dState + c.padding };
    const state = { width: sequences * channels * dState };
    const h = draw.floats(state.width, -1, 1);
    const stateInPlace = c.inPlace ? memory.inout('state', h, state) : undefined;
    const optional = (count: number, low: number, high: number) =>
      c.optional ? memory.input(draw.floats(count, low, high)) : undefined;
    return {
      rows,
      heads,
      headDim,
      dState,
      groups,
      path,
      x: memory.input(draw.floats(rows * channels, -2, 2), wide),
      xStride: wide.stride,
      dt: memory.input(draw.floats(rows * heads, softplus ? -4 * scale : 0.001 * scale, scale), head),
      dtStride: head.stride,
      A: memory.input(draw.floats(heads, -8, -0.05)),
      B: memory.input(draw.floats(rows * group.width, -1, 1), group),
      BStride: group.stride,
      C: memory.input(draw.floats(rows * group.width, -1, 1), group),
      CStride: group.stride,
      D: optional(c.DPerChannel ? channels : heads, -1, 1),
      DPerChannel: c.DPerChannel,
      z: c.optional ? memory.input(draw.floats(rows * channels, -3 * scale, 3 * scale), wide) : undefined,
      zStride: wide.stride,
      dtBias: optional(heads, softplus ? -1 : 0, softplus ? 1 : 0.001),
      dtMin: c.dtLimit[0],
      dtMax: c.dtLimit[1],
      skippedDt: alignment === 'own' ? memory.input(draw.floats(steps * heads, 0, 2)) : undefined,
      stateIn: stateInPlace ?? (c.optional ? memory.input(h) : undefined),
      stateOut: stateInPlace ?? (c.stateOut ? memory.output('state', 1, state) : undefined),
      y: memory.output('y', rows, wide, path.index),
      yStride: wide.stride,
      alignment,
      softplus,
      ...buildScores(c, path, memory),
    };
  },
  kernel({ path: { offsets } }, backend) {
    if (backend === 'cuda') {
      return offsets.every((end, s) => s === 0 || end - offsets[s - 1] <= 1)
        ? '/step'
        : '/(recurrent|chunked)';
    }
    const steps = Array.from(offsets.subarray(1), (end, s) => end - offsets[s]);
    const few = steps.filter((n) => n <= fewSteps).length;
    return few === steps.length ? '/step' : few > 0 ? '/mixed' : '/chunked';
  },
  tolerance: 4e-6, // float32 rounding; the largest measured is 8.4e-7, over 300 steps that hardly decay
  roundings: 2, // decayed C B^T, decayed x and the state are rounded as operands; the largest measured is 1.5
};
