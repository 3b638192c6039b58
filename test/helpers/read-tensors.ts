import { readFileSync } from 'node:fs';
import { readSafetensors } from '../../lib/checkpoints/safetensors';

/** A tensor of reference data: integers of any width come as numbers. */
export type Golden = { shape: number[]; data: Float32Array; ints: number[] };

/** Every tensor of a small safetensors file. `data` holds floats, `ints` whole numbers. */
export async function readTensors(file: string): Promise<Map<string, Golden>> {
  const bytes = readFileSync(file);
  const tensors = new Map<string, Golden>();
  for (const [name, { offset, byteLength, dtype, shape }] of await readSafetensors(file)) {
    const copy = new Uint8Array(bytes.subarray(offset, offset + byteLength)).buffer;
    const ints =
      dtype === 'i64'
        ? Array.from(new BigInt64Array(copy), Number)
        : dtype === 'i32'
          ? Array.from(new Int32Array(copy))
          : dtype === 'u8'
            ? Array.from(new Uint8Array(copy))
            : [];
    tensors.set(name, { shape, data: dtype === 'f32' ? new Float32Array(copy) : new Float32Array(0), ints });
  }
  return tensors;
}

/** The largest absolute difference; NaN anywhere gives NaN, different lengths throw. */
export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`lengths differ: ${a.length} and ${b.length}`);
  let most = 0;
  for (let i = 0; i < a.length; i += 1) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= most)) most = difference;
    if (Number.isNaN(most)) return most;
  }
  return most;
}
