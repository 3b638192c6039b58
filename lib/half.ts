/**
 * The 16-bit floating-point formats, as bits in a Uint16Array: bf16 (8 exponent bits, the upper half of a float32) and
 * f16 (IEEE 754 binary16). Widening is exact; narrowing rounds to nearest, ties to even. NaN stays NaN.
 */
export type HalfDtype = 'bf16' | 'f16';

/** The values of `bits` as float32. */
export function widen(bits: Uint16Array, dtype: HalfDtype): Float32Array {
  const values = new Float32Array(bits.length);
  const words = new Uint32Array(values.buffer);
  if (dtype === 'bf16') {
    for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
  } else {
    for (let i = 0; i < bits.length; i++) words[i] = f16ToWord(bits[i]);
  }
  return values;
}

/** `values` rounded to 16 bits. What is too large for the format becomes infinity. */
export function narrow(values: Float32Array, dtype: HalfDtype): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const toHalf = dtype === 'bf16' ? wordToBf16 : wordToF16;
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) bits[i] = toHalf(words[i]);
  return bits;
}

// Words are the bits of a float32: 1 sign, 8 exponent (bias 127), 23 mantissa.
const signBit = 0x80000000;
const infinity = 0x7f800000;

function f16ToWord(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  let mantissa = half & 0x3ff;
  if (exponent === 0x1f) return sign | infinity | (mantissa << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (mantissa << 13);
  if (mantissa === 0) return sign;
  let shift = 0; // a subnormal: normal in float32, once its leading one is where the implicit one belongs
  while (mantissa < 0x400) {
    mantissa <<= 1;
    shift++;
  }
  return sign | ((113 - shift) << 23) | ((mantissa & 0x3ff) << 13);
}

function wordToBf16(word: number): number {
  if ((word & ~signBit) > infinity) return (word >>> 16) | 0x40;
  return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
}

function wordToF16(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & ~signBit;
  if (magnitude > infinity) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  const exponent = magnitude >>> 23;
  if (exponent >= 113) return sign | roundedShift(magnitude - 0x38000000, 13);
  if (exponent < 102) return sign; // below half of the smallest subnormal
  return sign | roundedShift((magnitude & 0x7fffff) | 0x800000, 126 - exponent);
}

/** value / 2^count, to nearest, ties to even; a carry into the exponent is what rounding up there means. */
function roundedShift(value: number, count: number): number {
  const halfway = 1 << (count - 1);
  return (value + halfway - 1 + ((value >>> count) & 1)) >>> count;
}
