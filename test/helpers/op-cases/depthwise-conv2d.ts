import { buildGrid, type GridCase } from './grids';
import type { OpCases } from './harness';

export type DepthwiseConv2dCase = GridCase & {
  channels: number;
  size: number;
  activation: 'none' | 'silu' | 'gelu';
  bias: boolean;
  /** A second branch is added to the input. */
  added: boolean;
  /** Elements between the rows of x; those of the result are twice as far apart. */
  padding: number;
  /** Factor of x. */
  scale: number;
  seed?: number;
  threads?: number;
};

export const depthwiseConv2dCases: OpCases<'depthwise_conv2d', DepthwiseConv2dCase> = {
  op: 'depthwise_conv2d',
  activations: ['x', 'out'],
  base: {
    grid: [9, 8],
    keep: [1],
    channels: 40,
    size: 7,
    activation: 'silu',
    bias: true,
    added: false,
    padding: 0,
    scale: 1,
  },
  table: [
    ['the base', {}],
    ['3x3', { size: 3, activation: 'gelu' }],
    ['1x1', { size: 1 }],
    ['5x5', { size: 5 }],
    ['the largest window', { size: 15, grid: [17, 16], channels: 9 }],
    ['the grid of published models', { grid: [14, 14], channels: 64 }],
    ['a width of published models', { channels: 384, keep: [0.6] }],
    ['rows scattered over the grid', { keep: [0.5] }],
    ['few rows, scattered', { grid: [14, 14], keep: [0.1] }],
    ['few rows, scattered, 3x3', { grid: [14, 14], keep: [0.3], size: 3, activation: 'gelu' }],
    ['sequences with different rows', { keep: [0.5, 0.9, 0.2, 1] }],
    ['sequences with different rows, 3x3', { keep: [0.5, 0.9, 0.2, 1], size: 3 }],
    ['a sequence without rows', { keep: [0.5, 0, 0.7] }],
    ['one row left of each sequence', { keep: [0.001, 0.001, 0.001] }],
    ['one place', { grid: [1, 1] }],
    ['a grid of one line', { grid: [1, 50], keep: [0.8] }],
    ['a grid of one column', { grid: [50, 1], keep: [0.8] }],
    ['a wide grid', { grid: [3, 31] }],
    ['a high grid', { grid: [29, 4], keep: [0.7] }],
    ['a grid smaller than the window', { grid: [2, 3], keep: [1, 0.5] }],
    ['channels off the vector width', { channels: 83 }],
    ['channels off the vector width, scattered', { channels: 147, keep: [0.5, 0.5], added: true }],
    ['fewer channels than a vector', { channels: 3 }],
    ['one channel', { channels: 1 }],
    ['channels that a GPU reads by fours', { channels: 36, size: 3 }],
    ['channels that a GPU reads by twos', { channels: 38, size: 3 }],
    ['more channels than a task', { channels: 200 }],
    ['exactly a task of channels', { channels: 128 }],
    ['rows inside wider ones', { padding: 13, keep: [0.7] }],
    ['rows inside wider ones that stay aligned', { padding: 16, channels: 48, keep: [0.7] }],
    ['a second branch', { added: true }],
    ['a second branch, rows inside wider ones', { added: true, padding: 8, keep: [0.6, 0.8] }],
    ['no activation', { activation: 'none' }],
    ['gelu', { activation: 'gelu' }],
    ['no bias', { bias: false }],
    ['nothing but x and weight', { bias: false, activation: 'none', size: 3 }],
    ['large inputs', { scale: 100 }],
    ['large inputs, gelu', { scale: 30, activation: 'gelu' }],
    ['more rows than a tile', { grid: [24, 24], channels: 17, size: 3, keep: [1, 0.5] }],
    ['one thread', { threads: 1 }],
    ['more threads than work', { threads: 9, channels: 5, grid: [2, 2] }],
  ],
  build(c, memory, draw) {
    const { channels, size, scale, padding } = c;
    const { rows, positions, offsets, rowAt } = buildGrid(c, draw);
    const wide = { width: channels, stride: channels + padding };
    const wider = { width: channels, stride: channels + 2 * padding };
    return {
      channels,
      height: c.grid[0],
      width: c.grid[1],
      size,
      x: memory.input(draw.floats(rows * channels, -scale, scale), wide),
      xStride: wide.stride,
      added: c.added ? memory.input(draw.floats(rows * channels, -scale, scale)) : undefined,
      weight: memory.input(draw.floats(size * size * channels, -1, 1)),
      bias: c.bias ? memory.input(draw.floats(channels, -1, 1)) : undefined,
      positions: memory.ints(positions),
      offsets: memory.ints(offsets),
      rowAt: memory.ints(rowAt),
      out: memory.output('out', rows, wider),
      outStride: wider.stride,
      activation: c.activation,
    };
  },
  kernel({ channels, xStride = channels, outStride = channels }, backend) {
    if (backend !== 'cuda') return undefined;
    return [channels, xStride, outStride].every((n) => n % 4 === 0) ? '/packs' : '/channels';
  },
  tolerance: 1e-6, // float32 rounding
};
