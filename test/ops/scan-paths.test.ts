import { native } from '../../lib/native';
import { ScanPath } from '../../lib/scan-path';
import { kernelSets } from '../helpers/kernel-sets';
import { buildGrid, type GridCase } from '../helpers/op-cases/grids';
import { testCases } from '../helpers/op-cases/harness';
import { scanPathsCases } from '../helpers/op-cases/scan-paths';
import { Draw } from '../helpers/random';
import { rasterOrders, type ScanOrders, snakeOrders } from '../helpers/scan-orders';

testCases(scanPathsCases);

/** What the operator makes of the rows that are left, for each direction. */
async function scanPaths(
  backend: string,
  grid: ReturnType<typeof buildGrid>,
  { orders, labels }: ScanOrders,
) {
  const entries = orders.length * grid.rows;
  const [index, gap, label] = [1, 2, 3].map(() => new Int32Array(entries));
  await native.runOp(
    'scan_paths',
    {
      places: orders[0].length,
      directions: orders.length,
      positions: Int32Array.from(grid.positions),
      offsets: Int32Array.from(grid.offsets),
      orders: Int32Array.from(orders.flat()),
      labels: Int32Array.from(labels.flat()),
      rowAt: new Int32Array(grid.rowAt.length),
      index,
      gap,
      label,
    },
    { backend },
  );
  return orders.map((_, d) => {
    const of = (values: Int32Array) => Array.from(values.subarray(d * grid.rows, (d + 1) * grid.rows));
    return { index: of(index), gap: of(gap), label: of(label) };
  });
}

const grids: readonly (readonly [why: string, grid: GridCase, orders: ScanOrders])[] = [
  ['PlainMamba', { grid: [5, 6], keep: [0.5, 0.8, 0, 0.3] }, snakeOrders(5, 6)],
  ['PlainMamba, all kept', { grid: [4, 3], keep: [1, 1] }, snakeOrders(4, 3)],
  ['ViM', { grid: [1, 37], keep: [0.6, 0.2] }, { orders: rasterOrders(37), labels: rasterOrders(37) }],
];

describe.each(kernelSets())('%s', (backend) => {
  test.each(grids)('the paths are those of ScanPath: %s', async (_why, gridCase, directions) => {
    const grid = buildGrid(gridCase, new Draw(3));
    const sequences = gridCase.keep.length;
    const places = directions.orders[0].length;
    const full = ScanPath.full(new Int32Array(sequences).fill(places));
    const kept = Array.from({ length: sequences * places }, (_, i) => i).filter(
      (i) => grid.rowAt[(i % places) * sequences + Math.floor(i / places)] >= 0,
    );
    const paths = await scanPaths(backend, grid, directions);
    paths.forEach((path, d) => {
      const everywhere = Array.from({ length: sequences }, (_, s) =>
        directions.orders[d].map((position) => s * places + position),
      ).flat();
      const subset = full.permuted(everywhere).subset(kept);
      const { index, gap, offsets } = subset.compacted();
      expect(path.index).toEqual(Array.from(index));
      expect(path.gap).toEqual(Array.from(gap));
      expect(Array.from(offsets)).toEqual(grid.offsets);
      expect(path.label).toEqual(Array.from(subset.rank, (rank) => directions.labels[d][rank]));
    });
  });

  test('the moves of PlainMamba have the labels of their directions', async () => {
    const grid = buildGrid({ grid: [2, 3], keep: [1] }, new Draw(1));
    const paths = await scanPaths(backend, grid, snakeOrders(2, 3));
    expect(paths.map(({ index }) => index)).toEqual([
      [0, 1, 2, 5, 4, 3],
      [3, 4, 5, 2, 1, 0],
      [0, 3, 4, 1, 2, 5],
      [5, 2, 1, 4, 3, 0],
    ]);
    expect(paths.map(({ label }) => label)).toEqual([
      [0, 1, 1, 4, 2, 2],
      [0, 1, 1, 3, 2, 2],
      [0, 4, 1, 3, 1, 4],
      [0, 3, 2, 4, 2, 3],
    ]);
  });
});
