/** Elements before and after every array. */
const guard = 64;
/** What outputs hold before the call; no case computes it. */
export const sentinel = Math.fround(-7.25e33);
const nanBits = 0x7fff;
/** The same for whole numbers, and what lies around those that are read. */
const intSentinel = -77770001;

/** Rows of `width` elements, `stride` apart. */
export type Rows = { width: number; stride?: number };

type Values = Float32Array | Int32Array;

/** An array that an operator writes to. */
export type Output = {
  name: string;
  /** What the operator is given. */
  inner: Values;
  /** The array with its guards, as it is and as it was before the call. */
  whole: Values;
  before: Values;
  /** What may become of each element of `whole`. */
  fates: Uint8Array;
};

/** It stays as it was; it is written; it is written or stays; it may hold anything. */
export const fate = { kept: 0, written: 1, maybe: 2, free: 3 } as const;

/**
 * The memory of one operator call. Every array lies inside a larger one: around inputs and between their rows are
 * not-a-numbers, which spoil what reads them; around outputs and between their rows are values that nothing may change.
 */
export class GuardedMemory {
  readonly outputs: Output[] = [];

  input(values: Float32Array, rows?: Rows): Float32Array {
    return place(values, rows, Number.NaN).inner;
  }

  bits(values: Uint16Array): Uint16Array {
    const whole = new Uint16Array(values.length + 2 * guard).fill(nanBits);
    whole.set(values, guard);
    return whole.subarray(guard, guard + values.length);
  }

  ints(values: ArrayLike<number>): Int32Array {
    const whole = new Int32Array(values.length + 2 * guard).fill(intSentinel);
    whole.set(values, guard);
    return whole.subarray(guard, guard + values.length);
  }

  /** An output of whole numbers. One that is written `partly` may keep what it held in some elements. */
  intOutput(name: string, count: number, partly = false): Int32Array {
    const inner = this.ints(new Int32Array(count).fill(intSentinel));
    const whole = new Int32Array(inner.buffer);
    const fates = new Uint8Array(whole.length).fill(partly ? fate.maybe : fate.written, guard, guard + count);
    this.outputs.push({ name, inner, whole, before: whole, fates });
    return inner;
  }

  /** An output of `count` rows; only those of `visited` (default: all) are written. */
  output(name: string, count: number, rows: Rows, visited?: Iterable<number>): Float32Array {
    return this.inout(name, new Float32Array(count * rows.width).fill(sentinel), rows, visited);
  }

  /** An output that is an input too. The rows that are not `visited` stay, or are free to be overwritten. */
  inout(
    name: string,
    values: Float32Array,
    rows: Rows,
    visited: Iterable<number> = Array(values.length / rows.width).keys(),
    others: 'kept' | 'free' = 'kept',
  ): Float32Array {
    const { whole, inner } = place(values, rows, sentinel);
    const fates = new Uint8Array(whole.length);
    const set = (row: number, value: number) => {
      const begin = guard + row * (rows.stride ?? rows.width);
      fates.fill(value, begin, begin + rows.width);
    };
    for (let row = 0; row < values.length / rows.width; row++) set(row, fate[others]);
    for (const row of visited) set(row, fate.written);
    this.outputs.push({ name, inner, whole, before: whole, fates });
    return inner;
  }

  /** The output that the operator was given as this array. */
  outputOf(array: unknown): Output | undefined {
    return this.outputs.find(({ inner }) => inner === array);
  }

  /** Remembers what the outputs hold: what is not written must hold it after the call. */
  begin(): void {
    for (const output of this.outputs) output.before = output.whole.slice();
  }

  /** What the call has written, by name. Throws when it wrote elsewhere or left something out. */
  written(): Map<string, Values> {
    const results = new Map<string, Values>();
    for (const { name, whole, before, fates } of this.outputs) {
      const stray = whole.findIndex((value, i) => fates[i] === fate.kept && value !== before[i]);
      if (stray >= 0)
        throw new Error(`${name}: wrote ${whole[stray]} outside of its rows, at ${stray - guard}`);
      const unwritten = whole instanceof Int32Array ? intSentinel : sentinel;
      const missing = whole.findIndex((value, i) => fates[i] === fate.written && value === unwritten);
      if (missing >= 0) throw new Error(`${name}: did not write the element at ${missing - guard}`);
      results.set(
        name,
        whole.filter((_, i) => fates[i] === fate.written || fates[i] === fate.maybe),
      );
    }
    return results;
  }
}

function place(
  values: Float32Array,
  { width, stride = width }: Rows = { width: values.length },
  around: number,
) {
  const count = values.length / width;
  const size = (count - 1) * stride + width; // the last row ends with the array
  const whole = new Float32Array(size + 2 * guard).fill(around);
  for (let r = 0; r < count; r++) whole.set(values.subarray(r * width, (r + 1) * width), guard + r * stride);
  return { whole, inner: whole.subarray(guard, guard + size) };
}
