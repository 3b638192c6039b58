import type { OpCases } from './harness';
import { buildPath, type PathCase, pathTable, plainPath } from './paths';

export type CausalConvCase = PathCase & {
  channels: number;
  width: number;
  mode: 'compact' | 'aligned';
  silu: boolean;
  bias: boolean;
  stateIn: boolean;
  /** The final state is asked for. */
  stateOut: boolean;
  /** Elements between the rows of every tensor. */
  padding: number;
  /** The final state overwrites the initial one. */
  inPlace: boolean;
  /** Factor of x. */
  scale: number;
  seed?: number;
  threads?: number;
};

export const causalConvCases: OpCases<'causal_conv', CausalConvCase> = {
  op: 'causal_conv',
  activations: ['x', 'y'],
  base: {
    ...plainPath,
    channels: 40,
    width: 4,
    mode: 'compact',
    silu: true,
    bias: true,
    stateIn: true,
    stateOut: true,
    padding: 0,
    inPlace: false,
    scale: 1,
  },
  table: [
    ['the base', {}],
    ...pathTable,
    ...pathTable.map(
      ([why, change]) => [`${why}, by position`, { ...change, mode: 'aligned' as const }] as const,
    ),
    ['gaps longer than the window, by position', { mode: 'aligned', keep: 0.05, lengths: [150] }],
    ['no activation', { silu: false }],
    ['no bias', { bias: false }],
    ['no state: zeros before the start', { stateIn: false, lengths: [9, 2, 1] }],
    ['final state not wanted', { stateOut: false }],
    ['nothing but x and weight', { silu: false, bias: false, stateIn: false, stateOut: false }],
    ['rows inside wider ones, as a block has them', { padding: 13 }],
    ['wider rows, skipped, by position', { padding: 5, keep: 0.5, channels: 37, mode: 'aligned' }],
    ['state in place, as a block decodes', { inPlace: true, lengths: [1, 1, 1] }],
    ['state in place, shorter than the window', { inPlace: true, lengths: [2, 3] }],
    ['state in place, longer than the window', { inPlace: true, lengths: [40, 5] }],
    ['state in place, by position', { inPlace: true, keep: 0.4, lengths: [20, 2, 7], mode: 'aligned' }],
    ['a window of 1', { width: 1 }],
    ['a window of 2', { width: 2 }],
    ['a window of 3', { width: 3 }],
    ['the widest window', { width: 16, lengths: [40, 5, 16, 17] }],
    ['the widest window, by position', { width: 16, lengths: [40, 5, 17], mode: 'aligned', keep: 0.5 }],
    ['channels off the vector width', { channels: 83 }],
    ['fewer channels than a vector', { channels: 3 }],
    ['one channel', { channels: 1 }],
    ['more channels than a tile', { channels: 531 }],
    ['more rows than a tile', { lengths: [700], channels: 17 }],
    ['rows inside wider ones that stay aligned', { padding: 8, lengths: [50, 3, 9], inPlace: true }],
    ['steps of a batch, where some have none', { keep: 0.5, lengths: [1, 1, 1, 1, 1, 1], inPlace: true }],
    ['steps of a batch, any window', { lengths: [1, 1], width: 7, inPlace: true }],
    ['large inputs', { scale: 100 }],
    ['one thread', { threads: 1 }],
    ['more threads than work', { threads: 9, channels: 5, lengths: [2] }],
  ],
  build(c, memory, draw) {
    const path = buildPath(c, draw);
    const { rows, sequences } = path;
    const { channels, width } = c;
    const wide = { width: channels, stride: channels + c.padding };
    const state = { width: sequences * width * channels };
    const window = draw.floats(state.width, -c.scale, c.scale);
    const stateInPlace = c.inPlace ? memory.inout('state', window, state) : undefined;
    return {
      rows,
      channels,
      width,
      path,
      x: memory.input(draw.floats(rows * channels, -c.scale, c.scale), wide),
      xStride: wide.stride,
      weight: memory.input(draw.floats(width * channels, -1, 1)),
      bias: c.bias ? memory.input(draw.floats(channels, -1, 1)) : undefined,
      stateIn: stateInPlace ?? (c.stateIn ? memory.input(window) : undefined),
      stateOut: stateInPlace ?? (c.stateOut ? memory.output('state', 1, state) : undefined),
      y: memory.output('y', rows, wide, path.index),
      yStride: wide.stride,
      mode: c.mode,
      silu: c.silu,
    };
  },
  kernel({ path: { offsets } }, backend) {
    if (backend !== 'cuda') return undefined;
    const single = offsets.every((end, s) => s === 0 || end - offsets[s - 1] <= 1);
    return single ? '/step' : '/window';
  },
  tolerance: 1e-6, // float32 rounding; the largest measured is 2e-7
};
