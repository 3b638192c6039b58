import { narrow, widen } from '../../lib/half';

const bits = (dtype: 'bf16' | 'f16', ...values: number[]) =>
  Array.from(narrow(Float32Array.from(values), dtype));
const values = (dtype: 'bf16' | 'f16', ...halves: number[]) =>
  Array.from(widen(Uint16Array.from(halves), dtype));

describe.each(['bf16', 'f16'] as const)('%s', (dtype) => {
  const all = Uint16Array.from({ length: 0x10000 }, (_, half) => half);
  const wide = widen(all, dtype);

  test('every value survives widening and narrowing; NaN stays NaN', () => {
    const again = widen(narrow(wide, dtype), dtype);
    expect(all.filter((half) => !Object.is(again[half], wide[half]))).toEqual(new Uint16Array());
  });

  test('between two neighbours the nearer one is taken, of equally near ones the even one', () => {
    // From the smallest pair whose middle float32 can hold, up to infinity.
    const pairs = dtype === 'bf16' ? all.subarray(0x80, 0x7f7f) : all.subarray(0, 0x7bff);
    const between = (share: number, sign: number) =>
      narrow(
        Float32Array.from(pairs, (half) => sign * (wide[half] + (wide[half + 1] - wide[half]) * share)),
        dtype,
      );
    for (const [sign, bit] of [
      [1, 0],
      [-1, 0x8000],
    ]) {
      expect(between(0.5, sign)).toEqual(pairs.map((half) => (half + (half & 1)) | bit));
      expect(between(0.49, sign)).toEqual(pairs.map((half) => half | bit));
      expect(between(0.51, sign)).toEqual(pairs.map((half) => (half + 1) | bit));
    }
  });
});

test('known values', () => {
  expect(values('bf16', 0x3f80, 0xc000, 0x7f80, 0xff80, 0x8000)).toEqual([1, -2, Infinity, -Infinity, -0]);
  expect(values('f16', 0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x7c00)).toEqual([
    1,
    -2,
    65504,
    2 ** -24,
    2 ** -14,
    Infinity,
  ]);
  expect(bits('f16', 65504, 65519.996, 65520, 1e9, -1e9)).toEqual([0x7bff, 0x7bff, 0x7c00, 0x7c00, 0xfc00]);
  expect(bits('f16', 2 ** -25, 2 ** -25 * 1.01, 2 ** -26, -(2 ** -24), 1e-30)).toEqual([0, 1, 0, 0x8001, 0]);
  expect(bits('bf16', 3.4e38, -3.4e38, 1e-45)).toEqual([0x7f80, 0xff80, 0]);
});
