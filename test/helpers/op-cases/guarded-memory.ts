/** Elements before and after every array. */
const guard = 64;
/** What outputs hold before the call; no case computes it. */
const sentinel = -7.25e33;
const nanBits = 0x7fff;
/** The same for whole numbers, and what lies around those that are read. */
const intSentinel = -77770001;

/** Rows of `width` elements, `stride` apart. */
export type Rows = { width: number; stride?: number };

type Values = Float32Array | Int32Array;
type Output = { name: string; whole: Values; before: Values; written: Uint8Array; partly?: boolean };

/**
 * The memory of one operator call. Every array lies inside a larger one: around inputs and between their rows are
 * not-a-numbers, which spoil what reads them; around outputs and between their rows are values that nothing may change.
 */
export class GuardedMemory {
  readonly #outputs: Output[] = [];

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
    const written = new Uint8Array(whole.length).fill(1, guard, guard + count);
    this.#outputs.push({ name, whole, before: whole.slice(), written, partly });
    return inner;
  }

  /** An output of `count` rows; only those of `visited` (default: all) are written. */
  output(name: string, count: number, rows: Rows, visited?: Iterable<number>): Float32Array {
    return this.inout(name, new Float32Array(count * rows.width).fill(sentinel), rows, visited);
  }

  /** An output that is an input too. */
  inout(name: string, values: Float32Array, rows: Rows, visited?: Iterable<number>): Float32Array {
    const { whole, inner, offset } = place(values, rows, sentinel);
    const written = new Uint8Array(whole.length);
    for (const row of visited ?? Array(values.length / rows.width).keys()) {
      const begin = offset + row * (rows.stride ?? rows.width);
      written.fill(1, begin, begin + rows.width);
    }
    this.#outputs.push({ name, whole, before: whole.slice(), written });
    return inner;
  }

  /** What the call has written, by name. Throws when it wrote elsewhere or left something out. */
  written(): Map<string, Values> {
    const results = new Map<string, Values>();
    for (const { name, whole, before, written, partly } of this.#outputs) {
      const stray = whole.findIndex((value, i) => written[i] === 0 && value !== before[i]);
      if (stray >= 0)
        throw new Error(`${name}: wrote ${whole[stray]} outside of its rows, at ${stray - guard}`);
      const unwritten = whole instanceof Int32Array ? intSentinel : Math.fround(sentinel);
      const missing = whole.findIndex((value, i) => written[i] === 1 && value === unwritten);
      if (missing >= 0 && !partly)
        throw new Error(`${name}: did not write the element at ${missing - guard}`);
      results.set(
        name,
        whole.filter((_, i) => written[i] === 1),
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
  return { whole, inner: whole.subarray(guard, guard + size), offset: guard };
}
