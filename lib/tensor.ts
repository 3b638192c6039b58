import { types } from 'node:util';
import { type Device, resolveDevice } from './device';
import { describe, invalidArgument, mismatch, SkipscanError } from './errors';
import { narrow, widen } from './half';

export type Dtype = 'f32' | 'bf16' | 'f16' | 'i32';
/** Elements in memory: values, or the bits of bf16 and f16. */
export type TensorData = Float32Array | Int32Array | Uint16Array;
/** What a tensor can be made from. */
export type TensorSource = TensorData | Float64Array | readonly number[];

const dtypes: readonly string[] = ['f32', 'bf16', 'f16', 'i32'] satisfies Dtype[];

/**
 * A dense row-major array on a device. It owns its memory until `dispose()`; on the CPU that memory is a JavaScript typed
 * array, which is shared and not copied where its element type is the tensor's.
 */
export class Tensor implements Disposable {
  readonly dtype: Dtype;
  /** At least one dimension, each at least 1. */
  readonly shape: readonly number[];
  readonly device: Device = 'cpu';
  #data: TensorData | undefined;

  private constructor(data: TensorData, shape: readonly number[], dtype: Dtype) {
    this.#data = data;
    this.shape = Object.freeze([...shape]);
    this.dtype = dtype;
  }

  /**
   * A tensor of `data`. A Float32Array (f32), an Int32Array (i32) and the bits in a Uint16Array (bf16 or f16, which `dtype`
   * must say) are used where they are; everything else is converted into new
   * memory, by way of float32 and rounding to nearest even.
   *
   * @param shape its product must be the number of elements
   * @throws SkipscanError `ERR_ARGUMENT`, or `ERR_DEVICE` for a device that is not there
   */
  static from(
    data: TensorSource,
    shape: readonly number[],
    options: { dtype?: Dtype; device?: Device } = {},
  ): Tensor {
    resolveDevice(options.device ?? 'cpu');
    const dtype = options.dtype ?? (types.isInt32Array(data) ? 'i32' : 'f32');
    checkDtype(dtype);
    if (types.isUint16Array(data) && (options.dtype === undefined || !isHalf(dtype))) {
      throw invalidArgument(
        'dtype',
        "'bf16' or 'f16', as a Uint16Array holds the bits of one of them,",
        options.dtype,
      );
    }
    const size = sizeOf(shape);
    const elements = convert(data, dtype);
    if (elements.length !== size) {
      throw mismatch(
        'data',
        `${size} elements, the product of shape [${shape.join(', ')}],`,
        String(elements.length),
      );
    }
    return new Tensor(elements, shape, dtype);
  }

  /** A tensor of zeros. `dtype` defaults to f32. */
  static zeros(shape: readonly number[], options: { dtype?: Dtype; device?: Device } = {}): Tensor {
    resolveDevice(options.device ?? 'cpu');
    const dtype = options.dtype ?? 'f32';
    checkDtype(dtype);
    return new Tensor(allocate(dtype, shape), shape, dtype);
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  get disposed(): boolean {
    return this.#data === undefined;
  }

  /**
   * The elements where they are: writing to this array writes to the tensor. Float32Array for f32, Int32Array for i32,
   * Uint16Array with the bits for bf16 and f16.
   *
   * @throws SkipscanError `ERR_DISPOSED` after `dispose()`, or when the memory was transferred to another thread
   */
  data(): TensorData {
    if (!this.#data) {
      throw new SkipscanError('ERR_DISPOSED', 'This tensor was disposed. Make a new one to use it.');
    }
    if (this.#data.length === 0) {
      throw new SkipscanError(
        'ERR_DISPOSED',
        'The memory of this tensor was transferred away. Transfer a copy instead.',
      );
    }
    return this.#data;
  }

  /** The values as float32: the memory of the tensor for f32, a copy for the others. */
  toFloat32(): Float32Array {
    const data = this.data();
    return this.dtype === 'f32'
      ? (data as Float32Array)
      : (convertFrom(data, this.dtype, 'f32') as Float32Array);
  }

  /**
   * The tensor in another dtype or on another device; rounds to nearest even. Where nothing has to change, the result shares
   * the memory of this tensor; each is disposed on its own.
   *
   * @throws SkipscanError `ERR_ARGUMENT` when i32 cannot hold a value, `ERR_DEVICE` for a device that is not there
   */
  async to(target: Dtype | Device | { dtype?: Dtype; device?: Device }): Promise<Tensor> {
    const { dtype = this.dtype, device = this.device } = readTarget(target);
    checkDtype(dtype);
    resolveDevice(device);
    return new Tensor(convertFrom(this.data(), this.dtype, dtype), this.shape, dtype);
  }

  /** Lets go of the memory; a typed array that others hold stays theirs. May be called again. */
  dispose(): void {
    this.#data = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

const isHalf = (dtype: Dtype): dtype is 'bf16' | 'f16' => dtype === 'bf16' || dtype === 'f16';

type Target = Parameters<Tensor['to']>[0];

function readTarget(target: Target): { dtype?: Dtype; device?: Device } {
  if (typeof target === 'object' && target !== null) return target;
  if (dtypes.includes(target)) return { dtype: target as Dtype };
  if (/^(cpu|cuda:\d+)$/.test(String(target))) return { device: target as Device };
  throw invalidArgument('to()', `a dtype (${dtypes.join(', ')}) or a device ('cpu', 'cuda:0')`, target);
}

function allocate(dtype: Dtype, shape: readonly number[]): TensorData {
  const size = sizeOf(shape);
  try {
    if (dtype === 'i32') return new Int32Array(size);
    return isHalf(dtype) ? new Uint16Array(size) : new Float32Array(size);
  } catch (cause) {
    const problem = `A tensor of shape [${shape.join(', ')}] does not fit into memory.`;
    throw new SkipscanError('ERR_OUT_OF_MEMORY', problem, { cause });
  }
}

function convert(data: TensorSource, dtype: Dtype): TensorData {
  if (types.isFloat32Array(data)) return convertFrom(fixed(data), 'f32', dtype);
  if (types.isInt32Array(data)) return convertFrom(fixed(data), 'i32', dtype);
  if (types.isUint16Array(data)) return fixed(data);
  if (!types.isFloat64Array(data) && !(Array.isArray(data) && data.every((x) => typeof x === 'number'))) {
    throw invalidArgument(
      'data',
      'a Float32Array, Int32Array, Uint16Array, Float64Array or an array of numbers',
      data,
    );
  }
  return convertFrom(data, 'f64', dtype);
}

/** `data` itself where it has the dtype already, else a copy. */
function convertFrom(data: TensorSource, from: Dtype | 'f64', to: Dtype): TensorData {
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

function sizeOf(shape: readonly number[]): number {
  const fits =
    Array.isArray(shape) && shape.length > 0 && shape.every((n) => Number.isSafeInteger(n) && n >= 1);
  const size = fits ? shape.reduce((a, b) => a * b) : Number.NaN;
  if (Number.isSafeInteger(size)) return size;
  const received = Array.isArray(shape)
    ? `[${shape.map((n) => (typeof n === 'number' ? n : describe(n))).join(', ')}]`
    : describe(shape);
  throw mismatch('shape', 'an array of one or more whole numbers above 0', received);
}

function checkDtype(dtype: unknown): void {
  if (!dtypes.includes(dtype as string)) {
    throw invalidArgument('dtype', "one of 'f32', 'bf16', 'f16', 'i32'", dtype);
  }
}
