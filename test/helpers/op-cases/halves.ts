// Arrays of cases in the dtypes that activations have on a GPU.
import { narrow, widen } from '../../../lib/half';
import { sentinel } from './guarded-memory';

/** What activations are held in. */
export type ActivationDtype = 'f32' | 'bf16' | 'f16';
export const activationDtypes: readonly ActivationDtype[] = ['f32', 'bf16', 'f16'];

/** Half of the distance between 1 and the next larger number, and what is too large to be held. */
export const halves = {
  bf16: { rounding: 2 ** -8, limit: 3.39e38 },
  f16: { rounding: 2 ** -11, limit: 65520 },
} as const;

/** Stands for `sentinel`, which f16 cannot hold: a not-a-number that no arithmetic gives. */
const sentinelBits = 0x7fd5;

/** The elements as a device array of this dtype holds them. */
export function encode(values: Float32Array, dtype: ActivationDtype): Float32Array | Uint16Array {
  if (dtype === 'f32') return values;
  return narrow(values, dtype).map((bits, i) => (values[i] === sentinel ? sentinelBits : bits));
}

/** The float32 values of what `encode` made, or of what an operator wrote. */
export function decode(held: Float32Array | Uint16Array, dtype: ActivationDtype): Float32Array {
  if (dtype === 'f32') return held as Float32Array;
  return widen(held as Uint16Array, dtype).map((value, i) => (held[i] === sentinelBits ? sentinel : value));
}

/** Makes every element one that the dtype can hold. False when one is too large for it. */
export function round(values: Float32Array, dtype: ActivationDtype): boolean {
  const rounded = decode(encode(values, dtype), dtype);
  const fits = rounded.every((value, i) => Number.isFinite(value) || !Number.isFinite(values[i]));
  values.set(rounded);
  return fits;
}
