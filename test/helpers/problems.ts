import { ops, type ScanPath, Tensor } from '../../lib';
import type { Draw } from './random';

/** A packed batch of random inputs for one of the scans or the convolution. */
export type Problem = {
  /** The shape, for messages. */
  what: string;
  lengths: number[];
  /** Row-major inputs with a row for each token, by argument; the others are the same for all rows. */
  rows: Record<string, Tensor>;
  shared: Record<string, Tensor>;
  /** `[sequences, ...]` */
  state: Tensor;
  run(options: object): Promise<ops.ScanResult>;
  /** The arguments that the input and the time step are given as. */
  input: string;
  dt?: string;
};

export function floats(draw: Draw, shape: number[], low: number, high: number): Tensor {
  return Tensor.from(
    draw.floats(
      shape.reduce((a, b) => a * b),
      low,
      high,
    ),
    shape,
  );
}

function randomLengths(draw: Draw): number[] {
  return Array.from({ length: draw.int(1, 4) }, () => draw.pick([1, 2, draw.int(3, 40), draw.int(41, 150)]));
}

export const problems: Record<string, (draw: Draw) => Problem> = {
  selectiveScan(draw) {
    const lengths = randomLengths(draw);
    const rows = lengths.reduce((a, b) => a + b);
    const G = draw.int(1, 3);
    const E = G * draw.int(1, 25);
    const N = draw.int(1, 20);
    return {
      what: `lengths ${lengths}, E ${E}, N ${N}, G ${G}`,
      lengths,
      rows: {
        u: floats(draw, [rows, E], -2, 2),
        delta: floats(draw, [rows, E], -4, 1),
        B: floats(draw, [rows, G, N], -1, 1),
        C: floats(draw, [rows, G, N], -1, 1),
        z: floats(draw, [rows, E], -3, 3),
      },
      shared: {
        A: floats(draw, [E, N], -8, -0.05),
        D: floats(draw, [E], -1, 1),
        dtBias: floats(draw, [E], -1, 1),
      },
      state: floats(draw, [lengths.length, E, N], -1, 1),
      run: (options) => ops.selectiveScan(options as ops.SelectiveScanOptions),
      input: 'u',
      dt: 'delta',
    };
  },
  ssdScan(draw) {
    const lengths = randomLengths(draw);
    const rows = lengths.reduce((a, b) => a + b);
    const G = draw.int(1, 3);
    const H = G * draw.int(1, 3);
    const P = draw.int(1, 24);
    const N = draw.int(1, 40);
    return {
      what: `lengths ${lengths}, H ${H}, P ${P}, N ${N}, G ${G}`,
      lengths,
      rows: {
        x: floats(draw, [rows, H, P], -2, 2),
        dt: floats(draw, [rows, H], -4, 1),
        B: floats(draw, [rows, G, N], -1, 1),
        C: floats(draw, [rows, G, N], -1, 1),
        z: floats(draw, [rows, H, P], -3, 3),
      },
      shared: {
        A: floats(draw, [H], -8, -0.05),
        D: floats(draw, [H], -1, 1),
        dtBias: floats(draw, [H], -1, 1),
      },
      state: floats(draw, [lengths.length, H, P, N], -1, 1),
      run: (options) => ops.ssdScan(options as ops.SsdScanOptions),
      input: 'x',
      dt: 'dt',
    };
  },
  causalConv(draw) {
    const lengths = randomLengths(draw);
    const rows = lengths.reduce((a, b) => a + b);
    const C = draw.int(1, 60);
    const W = draw.int(1, 5);
    return {
      what: `lengths ${lengths}, C ${C}, W ${W}`,
      lengths,
      rows: { x: floats(draw, [rows, C], -2, 2) },
      shared: { weight: floats(draw, [C, W], -1, 1), bias: floats(draw, [C], -1, 1) },
      state: floats(draw, [lengths.length, W, C], -1, 1),
      run: (options) => ops.causalConv(options as ops.CausalConvOptions),
      input: 'x',
    };
  },
};

/** These rows of a tensor, in this order. */
export function gather(tensor: Tensor, rows: Iterable<number>): Tensor {
  const width = tensor.size / tensor.shape[0];
  const picked = Array.from(rows, (row) => tensor.toFloat32().subarray(row * width, (row + 1) * width));
  const data = new Float32Array(picked.length * width);
  for (const [i, row] of picked.entries()) data.set(row, i * width);
  return Tensor.from(data, [picked.length, ...tensor.shape.slice(1)]);
}

export function gatherAll(tensors: Record<string, Tensor>, rows: readonly number[]): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, gather(tensor, rows)]));
}

export const range = (begin: number, end: number) => Array.from({ length: end - begin }, (_, i) => begin + i);

/** About half of the rows, among them the last of each sequence: after it no more time passes. */
export function randomKept(full: ScanPath, draw: Draw): number[] {
  const last = new Set(full.offsets.subarray(1).map((end) => end - 1));
  return [...full.index].filter((row) => last.has(row) || draw.next() < 0.5);
}
