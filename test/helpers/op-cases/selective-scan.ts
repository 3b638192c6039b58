import type { NativeAlignment } from '../../../lib/native-types';
import type { OpCases } from './harness';
import { buildScores, type ScoredCase, scored, scoredTable } from './importance';
import { buildPath, type PathCase, pathTable, plainPath } from './paths';
import { buildMeanScores, type SummedCase, sumTable } from './scan-sums';

export type SelectiveScanCase = PathCase &
  ScoredCase &
  SummedCase & {
    channels: number;
    dState: number;
    groups: number;
    alignment: NativeAlignment;
    softplus: boolean;
    /** D, z, dt bias and the initial state are given. */
    optional: boolean;
    /** The final state is asked for. */
    stateOut: boolean;
    /** Elements between the rows of every tensor. */
    padding: number;
    /** y overwrites u, and the final state the initial one. */
    inPlace: boolean;
    /** Factor of delta and z. */
    scale: number;
    seed?: number;
    threads?: number;
  };

/** The edges of the forms that kernels of a GPU have: chunks of 8 steps, tiles of 32 to 256, slices of 16 states. */
const formTable: readonly (readonly [why: string, change: Partial<SelectiveScanCase>])[] = [
  ['a step more or less than chunks', { lengths: [7, 8, 9, 15, 16, 17] }],
  ['a step more or less than short tiles', { lengths: [31, 32, 33, 64] }],
  ['a step more or less than long tiles', { lengths: [127, 128, 129], channels: 16 }],
  ['a step more or less than the longest tiles', { lengths: [257], channels: 8 }],
  ['the dt before over the borders of chunks', { lengths: [270], keep: 0.6, alignment: 'previous' }],
  ['the dt before over the borders of short tiles', { lengths: [80, 60], keep: 0.8, alignment: 'previous' }],
  ['own dt over the borders of chunks', { lengths: [270], keep: 0.6, alignment: 'own', channels: 11 }],
  ['rows at multiples of 16 bytes inside wider ones', { lengths: [140], padding: 24 }],
  ['groups of whole vectors', { lengths: [140], groups: 2, channels: 48 }],
  ['many channels and sequences', { lengths: [9, 1, 17], channels: 512, padding: 8 }],
  [
    'many channels off the vector width',
    { lengths: [19, 3], channels: 781, keep: 0.8, alignment: 'previous' },
  ],
  ['many channels, y over u, state in place', { lengths: [9, 2, 8], channels: 520, inPlace: true }],
  ['many channels, one sequence emptied', { lengths: [9, 5, 8], channels: 520, emptied: 1, keep: 0.9 }],
  ['d_state 8', { dState: 8, lengths: [40, 3] }],
  ['d_state a step less than a slice', { dState: 15, lengths: [140] }],
  ['slices of states over tiles', { dState: 40, lengths: [140, 9], channels: 10 }],
  ['slices of states, final state not wanted', { dState: 40, lengths: [70], channels: 10, stateOut: false }],
  ['slices of states, state in place', { dState: 40, lengths: [70, 33], channels: 10, inPlace: true }],
  ['slices of states, no state', { dState: 33, lengths: [40], channels: 10, optional: false }],
  ['slices of states, one sequence emptied', { dState: 35, lengths: [9, 9, 9], emptied: 1, keep: 0.9 }],
  ['d_state 128', { dState: 128, lengths: [35], channels: 16 }],
  ['d_state 256', { dState: 256, lengths: [11, 3], channels: 9, groups: 3 }],
  ['decoding steps of d_state 1', { dState: 1, lengths: [1, 1, 1] }],
  ['decoding steps of d_state off the vector width', { dState: 5, lengths: [1, 1], groups: 2 }],
  ['decoding steps of d_state 256', { dState: 256, lengths: [1, 1], channels: 9, padding: 4 }],
  ['decoding steps, one sequence emptied', { lengths: [3, 1, 2], keep: 0.34, emptied: 1 }],
  ['a decoding step after skipped rows', { lengths: [40], keep: 0.02, alignment: 'previous' }],
  ['a decoding step after skipped rows with their dt', { lengths: [40], keep: 0.02, alignment: 'own' }],
];

export const selectiveScanCases: OpCases<'selective_scan', SelectiveScanCase> = {
  op: 'selective_scan',
  activations: ['u', 'delta', 'B', 'C', 'z', 'y', 'yIn'],
  base: {
    ...plainPath,
    channels: 40,
    dState: 16,
    groups: 1,
    alignment: 'next',
    softplus: true,
    optional: true,
    stateOut: true,
    padding: 0,
    inPlace: false,
    scale: 1,
  },
  table: [
    ['the base', {}],
    ...pathTable,
    ['skipped rows, neighbours on the path adjacent', { keep: 0.4, alignment: 'none' }],
    ['skipped rows with the dt before them', { keep: 0.4, alignment: 'previous', lengths: [40, 25] }],
    ['skipped rows with their own dt', { keep: 0.4, alignment: 'own', lengths: [40, 25] }],
    ['dt, B and C of other rows', { otherParams: true, keep: 0.7 }],
    ['dt, B and C of other rows with the dt before', { otherParams: true, keep: 0.7, alignment: 'previous' }],
    ['no gate, skip connection, bias or state', { optional: false }],
    ['dt without softplus', { softplus: false }],
    ['final state not wanted', { stateOut: false }],
    ['rows inside wider ones, as x, z, B and C of a block are', { padding: 13 }],
    ['wider rows, skipped and backward', { padding: 5, keep: 0.5, order: 'backward', channels: 37 }],
    ['y over u, state in place, as a block decodes', { inPlace: true, lengths: [1, 1, 1] }],
    ['y over u, state in place, skipped rows', { inPlace: true, keep: 0.5, lengths: [70, 12] }],
    ['channels off the vector width', { channels: 83 }],
    ['fewer channels than a vector', { channels: 3 }],
    ['one channel', { channels: 1, threads: 2 }],
    ['more channels than a tile', { channels: 531, lengths: [19] }],
    ['more rows than a tile', { lengths: [333], channels: 17 }],
    ['d_state 1', { dState: 1 }],
    ['d_state off the vector width', { dState: 5 }],
    ['d_state off the vector width, larger', { dState: 21 }],
    ['the largest d_state in use', { dState: 64, channels: 24 }],
    ['two groups', { groups: 2 }],
    ['groups off the vector width', { groups: 3, channels: 66, dState: 7 }],
    ['a group for each channel', { groups: 6, channels: 6 }],
    ['exponentials at their ends: dt up to 40, gates up to 100', { scale: 40 }],
    ['exponentials at their ends over skipped rows', { scale: 40, keep: 0.2, alignment: 'previous' }],
    ['tiny dt', { scale: 1e-3 }],
    ['one thread', { threads: 1 }],
    ['more threads than work', { threads: 9, channels: 5, lengths: [2] }],
    ...formTable,
    ...sumTable,
    ...scoredTable,
    ...scored<Partial<SelectiveScanCase>>('l2', [
      ['without a gate', { optional: false }],
      ['with y over u', { inPlace: true, keep: 0.5, lengths: [70, 12] }],
      ['of channels off the vector width', { channels: 83 }],
      ['of fewer channels than a vector', { channels: 3 }],
      ['of one channel', { channels: 1 }],
      ['of more channels than a tile', { channels: 531, lengths: [19] }],
      ['of groups off the vector width', { groups: 3, channels: 66, dState: 7 }],
      ['of large values', { scale: 40 }],
      ['on one thread', { threads: 1 }],
      ['on more threads than work', { threads: 9, channels: 5, lengths: [2] }],
      ['over the borders of chunks', { lengths: [7, 8, 9, 17, 129], groups: 3, channels: 33 }],
      ['of a thread for each channel', { lengths: [9, 1, 17], channels: 512 }],
      ['of decoding steps, many states', { lengths: [1, 1], dState: 130, channels: 43 }],
    ]),
    ...scored<Partial<SelectiveScanCase>>('delta', [
      ['without softplus', { softplus: false }],
      ['of channels off the vector width', { channels: 83 }],
      ['of groups off the vector width', { groups: 3, channels: 66, dState: 7 }],
      ['over the borders of chunks', { lengths: [7, 8, 9, 17, 129], groups: 3, channels: 33 }],
      ['of a thread for each channel', { lengths: [9, 1, 17], channels: 512 }],
      ['of decoding steps, many states', { lengths: [1, 1], dState: 130, channels: 43 }],
    ]),
  ],
  build(c, memory, draw) {
    const path = buildPath(c, draw);
    const { rows, steps, sequences } = path;
    const { channels, dState, groups, softplus, alignment, scale } = c;
    const wide = { width: channels, stride: channels + c.padding };
    const group = { width: groups * dState, stride: groups * dState + c.padding };
    const state = { width: sequences * channels * dState };
    const delta = draw.floats(rows * channels, softplus ? -4 * scale : 0.001 * scale, scale);
    const u = draw.floats(rows * channels, -2, 2);
    const h = draw.floats(state.width, -1, 1);
    const optional = (count: number, low: number, high: number) =>
      c.optional ? memory.input(draw.floats(count, low, high)) : undefined;
    const sum = c.sumIn && draw.floats(rows * channels, -2, 2);
    const overSum = sum && c.sumIn === 'inPlace' ? memory.inout('y', sum, wide, path.index) : undefined;
    const overInput = c.inPlace ? memory.inout('y', u, wide, path.index) : undefined;
    const stateInPlace = c.inPlace ? memory.inout('state', h, state) : undefined;
    return {
      rows,
      channels,
      dState,
      groups,
      path,
      u: overInput ?? memory.input(u, wide),
      uStride: wide.stride,
      delta: memory.input(delta, wide),
      deltaStride: wide.stride,
      A: memory.input(draw.floats(channels * dState, -8, -0.05)),
      B: memory.input(draw.floats(rows * groups * dState, -1, 1), group),
      BStride: group.stride,
      C: memory.input(draw.floats(rows * groups * dState, -1, 1), group),
      CStride: group.stride,
      D: optional(channels, -1, 1),
      z: c.optional ? memory.input(draw.floats(rows * channels, -3 * scale, 3 * scale), wide) : undefined,
      zStride: wide.stride,
      dtBias: optional(channels, softplus ? -1 : 0, softplus ? 1 : 0.1),
      skippedDt: alignment === 'own' ? memory.input(draw.floats(steps * channels, 0, 2)) : undefined,
      stateIn: stateInPlace ?? (c.optional ? memory.input(h) : undefined),
      stateOut: stateInPlace ?? (c.stateOut ? memory.output('state', 1, state) : undefined),
      y: overInput ?? overSum ?? memory.output('y', rows, wide, path.index),
      yStride: wide.stride,
      yIn: overSum ?? (sum && memory.input(sum, wide)),
      yScale: c.outputScale,
      alignment,
      softplus,
      ...(c.importanceIn ? buildMeanScores(c, path, memory, draw) : buildScores(c, path, memory)),
    };
  },
  // The step form runs whatever the device; between the two others the number of multiprocessors decides.
  kernel({ path: { offsets } }, backend) {
    if (backend !== 'cuda') return undefined;
    return offsets.every((end, s) => s === 0 || end - offsets[s - 1] <= 1)
      ? '/step'
      : '/(sequential|chunked)';
  },
  tolerance: 2e-6, // float32 rounding; the largest measured is 4.2e-7
};
