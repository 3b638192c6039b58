import type { OpCases } from './harness';

export type AddRowsCase = {
  rows: number;
  dim: number;
  entries: number;
  /** Elements between the rows of x. */
  padding: number;
  /** Factor of x and the table. */
  scale: number;
  seed?: number;
  threads?: number;
};

export const addRowsCases: OpCases<'add_rows', AddRowsCase> = {
  op: 'add_rows',
  activations: ['x', 'out'],
  base: { rows: 9, dim: 64, entries: 5, padding: 0, scale: 1 },
  table: [
    ['the base', {}],
    ['one row', { rows: 1 }],
    ['one entry', { entries: 1 }],
    ['more rows than a task', { rows: 700, dim: 70 }],
    ['a batch of images as published models have them', { rows: 2 * 197, dim: 384, entries: 197 }],
    ['width off the vector width', { dim: 83 }],
    ['width at multiples of 4 alone', { dim: 1028, rows: 3 }],
    ['a row longer than a block of threads', { dim: 8208, rows: 2 }],
    ['less than a vector', { dim: 3 }],
    ['one channel', { dim: 1 }],
    ['rows inside wider ones', { padding: 13 }],
    ['rows at multiples of 16 bytes inside wider ones', { padding: 24, dim: 40 }],
    ['large values', { scale: 1e4 }],
    ['one thread', { threads: 1 }],
    ['more threads than rows', { threads: 9, rows: 2 }],
  ],
  build({ rows, dim, entries, padding, scale }, memory, draw) {
    const wide = { width: dim, stride: dim + padding };
    return {
      rows,
      dim,
      entries,
      x: memory.input(draw.floats(rows * dim, -scale, scale), wide),
      xStride: wide.stride,
      table: memory.input(draw.floats(entries * dim, -scale, scale)),
      ids: memory.ints(Array.from({ length: rows }, () => draw.int(0, entries - 1))),
      out: memory.output('out', rows, { width: dim }),
    };
  },
  tolerance: 1e-6, // float32 rounding
};
