/** Bytes of one element of every dtype a manifest can name. */
export const elementBytes: ReadonlyMap<string, number> = new Map([
  ['f64', 8],
  ['f32', 4],
  ['f16', 2],
  ['bf16', 2],
  ['f8_e4m3', 1],
  ['f8_e5m2', 1],
  ['i64', 8],
  ['u64', 8],
  ['i32', 4],
  ['u32', 4],
  ['i16', 2],
  ['u16', 2],
  ['i8', 1],
  ['u8', 1],
  ['bool', 1],
]);

/** True for what a size, an offset or a count in a file header may be. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The product of `shape`, or undefined when it, or any partial product, is not exactly representable. */
export function elementCount(shape: readonly number[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/** Bytes of a contiguous tensor, or undefined when the number is not exactly representable. */
export function tensorBytes(dtype: string, shape: readonly number[]): number | undefined {
  const count = elementCount(shape);
  const bytes = (count ?? Number.NaN) * (elementBytes.get(dtype) ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
