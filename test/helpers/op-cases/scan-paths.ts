import { rasterOrders, snakeOrders } from '../scan-orders';
import { buildGrid, type GridCase } from './grids';
import type { OpCases } from './harness';

export type ScanPathsCase = GridCase & {
  /** ViM's two directions, PlainMamba's four with labels, or so many that are drawn. */
  orders: 'raster' | 'snakes' | number;
  /** Labels of orders that are drawn. */
  labels: boolean;
  seed?: number;
  threads?: number;
};

export const scanPathsCases: OpCases<'scan_paths', ScanPathsCase> = {
  op: 'scan_paths',
  base: { grid: [6, 7], keep: [0.6, 0.3], orders: 'snakes', labels: false },
  table: [
    ['the base', {}],
    ['all kept, the orders of ViM', { keep: [1], orders: 'raster' }],
    ['all kept, the orders of PlainMamba', { keep: [1, 1] }],
    ['some kept, the orders of ViM', { grid: [1, 197], keep: [0.7, 0.7], orders: 'raster' }],
    ['some kept, the orders of PlainMamba', { grid: [14, 14], keep: [0.5, 0.5, 0.5] }],
    ['a grid of even lines', { grid: [4, 8], keep: [0.8] }],
    ['a grid of odd lines', { grid: [5, 3], keep: [0.8] }],
    ['sequences of different counts', { keep: [0.1, 1, 0.5, 0.02, 0.9] }],
    ['a sequence without rows', { keep: [0.5, 0, 0.7] }],
    ['sequences without rows at both ends', { keep: [0, 0.5, 0] }],
    ['one row left of each sequence', { grid: [14, 14], keep: [0.001, 0.001, 0.001, 0.001] }],
    ['one place', { grid: [1, 1], keep: [1, 0, 1] }],
    ['one direction', { orders: 1 }],
    ['drawn orders', { orders: 5, keep: [0.4, 0.8] }],
    ['drawn orders with labels', { orders: 3, keep: [0.4, 0.8], labels: true }],
    ['more places than a block has threads', { grid: [37, 41], keep: [0.5, 0.9] }],
    ['more places than several blocks have', { grid: [70, 70], keep: [0.1, 1], orders: 'raster' }],
    ['exactly a tile of places', { grid: [16, 16], keep: [0.5, 1] }],
    ['one place more than a tile', { grid: [1, 257], keep: [0.5, 1], orders: 'raster' }],
    ['many sequences', { grid: [3, 3], keep: Array(70).fill(0.5) }],
    ['one thread', { threads: 1 }],
    ['more threads than work', { threads: 9, keep: [0.5], orders: 1 }],
  ],
  build({ grid, keep, orders: kind, labels: labelled }, memory, draw) {
    const places = grid[0] * grid[1];
    const { rows, positions, offsets, rowAt } = buildGrid({ grid, keep }, draw);
    const snakes = kind === 'snakes' ? snakeOrders(...grid) : undefined;
    const drawn = typeof kind === 'number' ? kind : 0;
    const orders =
      snakes?.orders ??
      (kind === 'raster'
        ? rasterOrders(places)
        : Array.from({ length: drawn }, () => draw.permutation(places)));
    const labels = snakes?.labels ?? orders.map((order) => order.map(() => draw.int(-9, 9)));
    const hasLabels = labelled || snakes !== undefined;
    const entries = orders.length * rows;
    return {
      places,
      directions: orders.length,
      positions: memory.ints(positions),
      offsets: memory.ints(offsets),
      orders: memory.ints(orders.flat()),
      labels: hasLabels ? memory.ints(labels.flat()) : undefined,
      rowAt: memory.intOutput('rowAt', rowAt.length),
      index: memory.intOutput('index', entries),
      gap: memory.intOutput('gap', entries),
      label: hasLabels ? memory.intOutput('label', entries) : undefined,
    };
  },
  kernel: (_params, backend) => (backend === 'cuda' ? '/tiles' : undefined),
  tolerance: 0,
};
