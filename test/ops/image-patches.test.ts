import { ops, Tensor } from '../../lib';
import { allBackends, chosenDevice, useBackend } from '../helpers/chosen-backend';
import { expectClose, expectSame } from '../helpers/close';
import { testCases } from '../helpers/op-cases/harness';
import { floatImagePatchesCases, imagePatchesCases } from '../helpers/op-cases/image-patches';
import { Draw } from '../helpers/random';

jest.mock('../../lib/native', () => jest.requireActual('../helpers/chosen-backend'));

testCases(imagePatchesCases);
testCases(floatImagePatchesCases);

const draw = new Draw(6);
const [B, C, H, W, outputs] = [2, 3, 9, 7, 4];

/** A convolution in float64, of planar images with weights `[outputs, C, kernel, kernel]`; `[B, places, outputs]`. */
function convolve(x: Float32Array, weight: Float32Array, kernel: number, stride: number, padding: number) {
  const sides = [H, W].map((side) => Math.floor((side + 2 * padding - kernel) / stride) + 1);
  const pixel = (b: number, c: number, i: number, j: number) =>
    i >= 0 && i < H && j >= 0 && j < W ? x[((b * C + c) * H + i) * W + j] : 0;
  const y: number[] = [];
  for (let b = 0; b < B; b++)
    for (let i = 0; i < sides[0]; i++)
      for (let j = 0; j < sides[1]; j++)
        for (let o = 0; o < outputs; o++) {
          let total = 0;
          for (let n = 0; n < C * kernel * kernel; n++) {
            const [c, dy, dx] = [
              Math.floor(n / kernel ** 2),
              Math.floor((n % kernel ** 2) / kernel),
              n % kernel,
            ];
            const at = pixel(b, c, i * stride - padding + dy, j * stride - padding + dx);
            total += weight[o * C * kernel * kernel + n] * at;
          }
          y.push(total);
        }
  return { y, grid: sides };
}

/** `[outputs, C, kernel, kernel]` as `[outputs, kernel, kernel, C]`. */
function channelsLast(weight: Float32Array, kernel: number): Float32Array {
  const area = kernel * kernel;
  return weight.map((_, i) => {
    const [o, tap, c] = [Math.floor(i / (area * C)), Math.floor((i % (area * C)) / C), i % C];
    return weight[(o * C + c) * area + tap];
  });
}

describe.each(allBackends())('%s', (backend) => {
  beforeAll(() => useBackend(backend));

  test.each([
    [3, 3, 0],
    [3, 1, 1],
    [5, 2, 2],
    [7, 2, 3],
    [1, 1, 0],
  ])(
    'with a product it is a convolution: kernel %i, stride %i, padding %i',
    async (kernel, stride, padding) => {
      const device = chosenDevice();
      const x = draw.floats(B * C * H * W, -1, 1);
      const weight = draw.floats(outputs * C * kernel * kernel, -1, 1);
      const want = convolve(x, weight, kernel, stride, padding);
      const images = Tensor.from(x, [B, C, H, W], { device });
      const patches = await ops.imagePatches({ x: images, kernel, stride, padding });
      expect(patches.grid).toEqual(want.grid);
      expect(patches.y.shape).toEqual([B, want.grid[0] * want.grid[1], kernel * kernel * C]);
      const matrix = Tensor.from(channelsLast(weight, kernel), [outputs, kernel * kernel * C], { device });
      const { y } = await ops.linear({ x: patches.y, weight: matrix });
      expectClose('y', (await y.to('cpu')).toFloat32(), want.y, 1e-6);
    },
  );

  test('channels may be last, and negative pixels zeros', async () => {
    const device = chosenDevice();
    const x = draw.floats(B * C * H * W, -1, 1);
    const last = x.map((_, i) => {
      const [b, pixel, c] = [Math.floor(i / (C * H * W)), Math.floor(i / C) % (H * W), i % C];
      return x[(b * C + c) * H * W + pixel];
    });
    const shared = { kernel: 3, stride: 1, padding: 1, relu: true };
    const planar = Tensor.from(
      x.map((v) => Math.max(v, 0)),
      [B, C, H, W],
      { device },
    );
    const want = await ops.imagePatches({ ...shared, relu: false, x: planar });
    const interleaved = Tensor.from(last, [B, H, W, C], { device });
    const got = await ops.imagePatches({ ...shared, x: interleaved, channels: 'last' });
    expectSame('y', (await got.y.to('cpu')).toFloat32(), (await want.y.to('cpu')).toFloat32());
  });

  test('windows beyond the image read zeros', async () => {
    const x = Tensor.from(Float32Array.of(1, 2, 3), [1, 1, 1, 3], { device: chosenDevice() });
    const { y, grid } = await ops.imagePatches({ x, kernel: 2, grid: [2, 3] });
    expect(grid).toEqual([2, 3]);
    expect([...(await y.to('cpu')).toFloat32()]).toEqual([1, 2, 0, 0, 3, 0, 0, 0, ...new Array(16).fill(0)]);
  });

  test('the rectifier hands on what is not a number', async () => {
    const x = Tensor.from(Float32Array.of(Number.NaN, -1, 2), [1, 1, 1, 3], { device: chosenDevice() });
    for (const channels of ['first', 'last'] as const) {
      const shaped =
        channels === 'first' ? x : Tensor.from([Number.NaN, -1, 2], [1, 1, 3, 1], { device: chosenDevice() });
      const { y } = await ops.imagePatches({ x: shaped, kernel: 1, relu: true, channels });
      expect([...(await y.to('cpu')).toFloat32()]).toEqual([Number.NaN, 0, 2]);
    }
  });
});
