import { types } from 'node:util';
import { invalidArgument, mismatch, SkipscanError } from './errors';
import { narrow, widen } from './half';

/** The number format of a tensor: IEEE binary32, bfloat16, IEEE binary16, or whole numbers of 32 bits. */
export type Dtype = 'f32' | 'bf16' | 'f16' | 'i32';
/** Elements in memory: values, or the bits of bf16 and f16. */
export type TensorData = Float32Array | Int32Array | Uint16Array;
/** Whole numbers of 32 bits, such as rows or positions. */
export type Int32s = Int32Array | readonly number[];
/** What a tensor can be made from. */
export type TensorSource = TensorData | Float64Array | readonly number[];

const dtypes: readonly string[] = ['f32', 'bf16', 'f16', 'i32'] satisfies Dtype[];

export const isDtype = (value: unknown): value is Dtype => dtypes.includes(value as string);
export const isHalf = (dtype: Dtype): dtype is 'bf16' | 'f16' => dtype === 'bf16' || dtype === 'f16';

export function checkDtype(dtype: unknown): void {
  if (!isDtype(dtype)) throw invalidArgument('dtype', `one of '${dtypes.join("', '")}'`, dtype);
}

/** Zeros in memory of the CPU. */
export function allocate(dtype: Dtype, shape: readonly number[]): TensorData {
  const size = shape.reduce((a, b) => a * b);
  try {
    if (dtype === 'i32') return new Int32Array(size);
    return isHalf(dtype) ? new Uint16Array(size) : new Float32Array(size);
  } catch (cause) {
    const problem = `A tensor of shape [${shape.join(', ')}] does not fit into memory.`;
    throw new SkipscanError('ERR_OUT_OF_MEMORY', problem, { cause });
  }
}

/** The elements of a source in this dtype; a Uint16Array holds them already. Itself where nothing has to change. */
export function elementsOf(data: TensorSource, dtype: Dtype): TensorData {
  if (types.isFloat32Array(data)) return convert(fixed(data), 'f32', dtype);
  if (types.isInt32Array(data)) return convert(fixed(data), 'i32', dtype);
  if (types.isUint16Array(data)) return fixed(data);
  if (!types.isFloat64Array(data) && !(Array.isArray(data) && data.every((x) => typeof x === 'number'))) {
    throw invalidArgument(
      'data',
      'a Float32Array, Int32Array, Uint16Array, Float64Array or an array of numbers',
      data,
    );
  }
  return convert(data, 'f64', dtype);
}

/** `data` itself where it has the dtype already, else a copy. */
export function convert(data: TensorSource, from: Dtype | 'f64', to: Dtype): TensorData {
  if (from === to) return data as TensorData;
  const values = from === 'bf16' || from === 'f16' ? widen(data as Uint16Array, from) : data;
  if (to === 'i32') return integers(values);
  const floats = types.isFloat32Array(values) ? values : Float32Array.from(values);
  return to === 'f32' ? floats : narrow(floats, to);
}

function integers(values: ArrayLike<number>): Int32Array {
  const result = Int32Array.from(values);
  const wrong = result.findIndex((n, i) => n !== values[i]);
  if (wrong >= 0) {
    throw mismatch('data', 'whole numbers of 32 bits for dtype i32', `${values[wrong]} at index ${wrong}`);
  }
  return result;
}

/** Native code reads the memory while JavaScript goes on, so it must neither shrink nor be shared with another thread. */
function fixed<T extends TensorData>(data: T): T {
  const buffer = data.buffer as ArrayBuffer & { resizable?: boolean };
  if (types.isSharedArrayBuffer(buffer) || buffer.resizable) {
    throw mismatch(
      'data',
      'a typed array on an ArrayBuffer of fixed size',
      'one on a shared or resizable buffer; copy it with slice()',
    );
  }
  return data;
}
