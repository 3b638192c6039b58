// The operators on grids against what PlainMamba's own code computes: its convolution and its scan orders.
import { ops, Tensor } from '../../lib';
import { allBackends, chosenDevice, useBackend } from '../helpers/chosen-backend';
import { type Golden, maxDifference, readTensors } from '../helpers/read-tensors';
import { fixture } from '../helpers/reference';
import { snakeOrders } from '../helpers/scan-orders';

jest.mock('../../lib/native', () => jest.requireActual('../helpers/chosen-backend'));

let goldens: Map<string, Golden>;

beforeAll(async () => {
  goldens = await readTensors(fixture('ops/grid.safetensors'));
});

/** Rows of a matrix as columns. */
function transposed(values: Float32Array, columns: number): Float32Array {
  const rows = values.length / columns;
  return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
}

test.each(allBackends())('the convolution before the scans, on %s', async (backend) => {
  useBackend(backend);
  const [x, weight, bias, y] = ['x', 'weight', 'bias', 'y'].map((name) => goldens.get(name)!);
  const [[places, channels], [, , size]] = [x.shape, weight.shape];
  const device = chosenDevice();
  const { y: got } = await ops.depthwiseConv2d({
    x: Tensor.from(x.data, x.shape, { device }),
    weight: Tensor.from(transposed(weight.data, size * size), [size, size, channels], { device }),
    bias: Tensor.from(bias.data, bias.shape, { device }),
    grid: [8, 8],
  });
  const want = transposed(y.data, places);
  // Both are float32: their roundings differ.
  expect(maxDifference((await got.to('cpu')).toFloat32(), want)).toBeLessThanOrEqual(4e-6);
});

test.each([
  ['train_size', 8, 8],
  ['wide', 8, 12],
])('the scan orders of the tests are those of PlainMamba: %s', (name, height, width) => {
  const { orders, labels } = snakeOrders(height, width);
  expect(orders.flat()).toEqual(goldens.get(`${name}.order`)!.ints);
  expect(labels.flat()).toEqual(goldens.get(`${name}.direction`)!.ints);
});
