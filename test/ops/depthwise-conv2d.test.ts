import { ops, Tensor } from '../../lib';
import { allBackends, chosenDevice, useBackend } from '../helpers/chosen-backend';
import { expectClose, expectSame } from '../helpers/close';
import { depthwiseConv2dCases } from '../helpers/op-cases/depthwise-conv2d';
import { testCases } from '../helpers/op-cases/harness';
import { Draw } from '../helpers/random';
import { erf } from '../helpers/special';

jest.mock('../../lib/native', () => jest.requireActual('../helpers/chosen-backend'));

testCases(depthwiseConv2dCases);

const draw = new Draw(4);
const [C, K] = [70, 5];
const [height, width] = [6, 5];
const positions = [
  [0, 3, 7, 8, 12, 13, 14, 20, 29],
  [1, 2, 3, 4, 28],
];
const weight = draw.floats(K * K * C, -1, 1);
const sequences = positions.map(({ length }) => draw.floats(length * C, -2, 2));

/** The convolution of rows of one or more sequences. */
async function convolve(x: Float32Array, at: number[], offsets: number[]): Promise<Float32Array> {
  const device = chosenDevice();
  const { y } = await ops.depthwiseConv2d({
    x: Tensor.from(x, [at.length, C], { device }),
    weight: Tensor.from(weight, [K, K, C], { device }),
    grid: [height, width],
    positions: at,
    offsets,
    activation: 'silu',
  });
  return (await y.to('cpu')).toFloat32();
}

describe.each(allBackends())('%s', (backend) => {
  beforeAll(() => useBackend(backend));

  test('a row has the same result whatever it is packed with', async () => {
    const packed = await convolve(
      Float32Array.from(sequences.flatMap((x) => [...x])),
      positions.flat(),
      [0, 9, 9, 14],
    );
    const first = await convolve(sequences[0], positions[0], [0, 9]);
    const second = await convolve(sequences[1], positions[1], [0, 5]);
    expectSame('y', packed, [...first, ...second]);
  });

  test('a place without a row counts as zeros', async () => {
    const places = Array.from({ length: height * width }, (_, place) => place);
    const everywhere = new Float32Array(places.length * C);
    positions[0].forEach((place, row) => {
      everywhere.set(sequences[0].subarray(row * C, (row + 1) * C), place * C);
    });
    const full = await convolve(everywhere, places, [0, places.length]);
    const want = positions[0].flatMap((place) => [...full.subarray(place * C, (place + 1) * C)]);
    expectClose('y', await convolve(sequences[0], positions[0], [0, 9]), want, 1e-6);
  });

  test('positions default to the places of each sequence of a batch', async () => {
    const device = chosenDevice();
    const places = Array.from({ length: 2 * height * width }, (_, row) => row % (height * width));
    const x = draw.floats(places.length * C, -1, 1);
    const { y } = await ops.depthwiseConv2d({
      x: Tensor.from(x, [2, height * width, C], { device }),
      weight: Tensor.from(weight, [K, K, C], { device }),
      grid: [height, width],
      activation: 'silu',
    });
    expect(y.shape).toEqual([2, height * width, C]);
    const want = await convolve(x, places, [0, height * width, 2 * height * width]);
    expectSame('y', (await y.to('cpu')).toFloat32(), want);
  });

  test('gelu is that of the error function', async () => {
    const device = chosenDevice();
    const steps = 40000;
    const x = Float32Array.from({ length: steps }, (_, i) => 24 * (i / steps) - 12);
    const { y } = await ops.depthwiseConv2d({
      x: Tensor.from(x, [1, steps], { device }),
      weight: Tensor.from(new Float32Array(steps).fill(1), [1, 1, steps], { device }),
      grid: [1, 1],
      activation: 'gelu',
    });
    const got = (await y.to('cpu')).toFloat32();
    const errors = got.map((value, i) => {
      const want = (x[i] / 2) * (1 + erf(x[i] / Math.SQRT2));
      return Math.abs(value - want) / Math.max(1, Math.abs(x[i]));
    });
    expect(errors.reduce((a, b) => Math.max(a, b))).toBeLessThanOrEqual(2e-7);
  });

  test.each(['none', 'silu', 'gelu'] as const)('what is not finite stays so: %s', async (activation) => {
    const device = chosenDevice();
    const x = Float32Array.of(Number.NaN, Infinity, 1, -1);
    const { y } = await ops.depthwiseConv2d({
      x: Tensor.from(x, [1, 4], { device }),
      weight: Tensor.from(Float32Array.of(1, 1, 1, 1), [1, 1, 4], { device }),
      grid: [1, 1],
      activation,
    });
    const got = (await y.to('cpu')).toFloat32();
    expect([got[0], got[1]]).toEqual([Number.NaN, Infinity]);
    expect(Number.isFinite(got[2] + got[3])).toBe(true);
  });
});
