// What holds for a product whatever computes it: a row does not depend on the rows beside it, nor on the number of threads, to
// the bit; and what rounding inputs to bf16 comes to.
import { narrow, widen } from '../../lib/half';
import { native } from '../../lib/native';
import type { NativeLinear } from '../../lib/native-types';
import { expectClose, expectSame } from '../helpers/close';
import { backends } from '../helpers/op-cases/harness';
import { Draw } from '../helpers/random';
import { testDevice } from '../helpers/test-device';

type Dtype = NativeLinear['weightDtype'];
type Options = { backend: string; threads?: number; activations?: 'f32' | 'bf16' };
const sizes = [
  { inputs: 600, outputs: 200, rows: 300 }, // rows of more than one block, panels for all threads
  { inputs: 1400, outputs: 80, rows: 700 }, // few panels
  { inputs: 40, outputs: 33, rows: 21 },
];
const dtypes: readonly Dtype[] = ['f32', 'bf16', 'f16', 'i8'];
const onCpu = testDevice() === 'cpu' ? describe : describe.skip;

function draw({ inputs, outputs, rows }: (typeof sizes)[number], dtype: Dtype) {
  const random = new Draw(inputs);
  const x = random.floats(rows * inputs, -1, 1);
  const values = random.floats(outputs * inputs, -1, 1);
  const weight = dtype === 'f32' || dtype === 'i8' ? values : narrow(values, dtype);
  const bias = random.floats(outputs, -1, 1);
  return { x, inputs, outputs, weight, weightDtype: dtype, weightPacked: true, bias };
}

async function multiply(
  { x, inputs, outputs, ...weights }: ReturnType<typeof draw>,
  options: Options,
): Promise<{ y: Float32Array; route: string }> {
  const rows = x.length / inputs;
  const y = new Float32Array(rows * outputs);
  const route = await native.runOp('linear', { ...weights, x, y, rows, inputs, outputs }, options);
  return { y, route };
}

onCpu.each(backends('products'))('products on %s', (backend) => {
  test.each(dtypes)('a row of %s alone is that row among others', async (dtype) => {
    for (const size of sizes) {
      const all = draw(size, dtype);
      for (const activations of ['f32', 'bf16'] as const) {
        const { y } = await multiply(all, { backend, activations, threads: 3 });
        for (const [first, count] of [
          [0, 1],
          [size.rows - 1, 1],
          [5, 2],
          [1, 5],
          [2, 17],
          [size.rows - 20, 20],
        ]) {
          const x = all.x.slice(first * size.inputs, (first + count) * size.inputs);
          const alone = await multiply({ ...all, x }, { backend, activations, threads: 2 });
          const among = y.slice(first * size.outputs, (first + count) * size.outputs);
          expectSame(`${dtype} rows ${first} + ${count} of ${size.rows}`, alone.y, among);
        }
      }
    }
  });

  test('an infinite input, and one that is not a number, stay in their rows', async () => {
    for (const dtype of dtypes) {
      const all = draw({ inputs: 70, outputs: 40, rows: 20 }, dtype);
      const { y: before } = await multiply(all, { backend });
      all.x[3 * 70 + 9] = Number.POSITIVE_INFINITY;
      all.x[4 * 70 + 69] = Number.NaN;
      const { y } = await multiply(all, { backend });
      expectSame(dtype, y.slice(0, 3 * 40), before.slice(0, 3 * 40));
      expect(y.slice(3 * 40, 4 * 40).some(Number.isFinite)).toBe(false);
      expect(y.slice(4 * 40, 5 * 40).every(Number.isNaN)).toBe(true);
      expectSame(dtype, y.slice(5 * 40), before.slice(5 * 40));
    }
  });

  test('activations in bf16 are rounded where that is faster, and nowhere else', async () => {
    for (const size of sizes) {
      const all = draw(size, 'bf16');
      const { y, route } = await multiply(all, { backend, activations: 'bf16' });
      const rounded = { ...all, x: widen(narrow(all.x, 'bf16'), 'bf16') };
      const { y: want } = await multiply(backend === 'amx' ? rounded : all, { backend: 'reference' });
      expect(route).toBe(backend === 'amx' ? 'amx/bf16-inputs' : `${backend}/bf16`);
      expectClose('y', y, want, 2e-6);
    }
  });
});

onCpu('products with 8-bit weights', () => {
  // Portable rounds a product and a sum where the others round once.
  const fused = backends('products').filter((name) => name !== 'portable');
  test('are the same to the bit on every kernel', async () => {
    for (const size of sizes) {
      const all = draw(size, 'i8');
      const [first, ...others] = await Promise.all(fused.map((backend) => multiply(all, { backend })));
      for (const { y, route } of others) expectSame(`${route} and ${first?.route}`, y, first.y);
    }
  });
});
