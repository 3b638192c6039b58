import type { OpCases } from './harness';
import { offsetsOf } from './paths';

export type MeanRowsCase = {
  lengths: number[];
  dim: number;
  /** What x is drawn around, and how far from it. */
  mean: number;
  scale: number;
  seed?: number;
  threads?: number;
};

export const meanRowsCases: OpCases<'mean_rows', MeanRowsCase> = {
  op: 'mean_rows',
  activations: ['x', 'out'],
  base: { lengths: [37], dim: 64, mean: 0, scale: 1 },
  table: [
    ['the base', {}],
    ['one row', { lengths: [1] }],
    ['two rows', { lengths: [2] }],
    ['packed sequences, some without rows', { lengths: [0, 5, 1, 0, 17, 2, 0] }],
    ['a batch of images as published models have them', { lengths: [196, 196, 98], dim: 384 }],
    ['a long sequence', { lengths: [3000] }],
    ['many short sequences', { lengths: new Array(90).fill(3), dim: 20 }],
    ['width off the vector width', { dim: 83 }],
    ['several vectors and a bit', { dim: 217, lengths: [9, 4] }],
    ['width at multiples of 4 alone', { dim: 1028, lengths: [19, 8] }],
    ['less than a vector', { dim: 3 }],
    ['one channel', { dim: 1 }],
    ['values far from zero', { mean: 100, lengths: [700] }],
    ['large values', { scale: 1e4 }],
    ['one thread', { threads: 1 }],
    ['more threads than work', { threads: 9, lengths: [2], dim: 5 }],
  ],
  build({ lengths, dim, mean, scale }, memory, draw) {
    const offsets = offsetsOf(lengths);
    const rows = offsets[lengths.length];
    return {
      dim,
      offsets: memory.ints(offsets),
      x: memory.input(draw.floats(rows * dim, mean - scale, mean + scale)),
      out: memory.output('out', lengths.length, { width: dim }),
    };
  },
  tolerance: 1e-6, // float32 rounding
};
