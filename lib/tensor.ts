import { types } from 'node:util';
import { type Device, resolveDevice } from './device';
import { DeviceMemory } from './device-memory';
import {
  allocate,
  checkDtype,
  convert,
  type Dtype,
  elementsOf,
  isDtype,
  isHalf,
  type TensorData,
  type TensorSource,
} from './elements';
import { describe, invalidArgument, mismatch, SkipscanError } from './errors';

/** What a tensor is made as. */
export type TensorOptions = {
  /** Defaults to the dtype of the elements: f32 for a plain array and for zeros; a Uint16Array needs it said. */
  dtype?: Dtype;
  /** Defaults to the CPU; `'auto'` is the first GPU if there is one. */
  device?: 'auto' | Device;
};

/**
 * A dense row-major array on a device. It owns its memory until `dispose()`. On the CPU that memory is a JavaScript typed
 * array, which is shared and not copied where its element type is the tensor's: its buffer must not be transferred away while an
 * operator runs on it. On a GPU it is the GPU's, and `to('cpu')` copies it back.
 */
export class Tensor implements Disposable {
  /** The format of its elements. */
  readonly dtype: Dtype;
  /** At least one dimension, each at least 1. */
  readonly shape: readonly number[];
  /** Where its memory is. */
  readonly device: Device;
  #memory: TensorData | DeviceMemory | undefined;

  private constructor(
    memory: TensorData | DeviceMemory,
    shape: readonly number[],
    dtype: Dtype,
    device: Device,
  ) {
    this.#memory = memory;
    this.shape = Object.freeze([...shape]);
    this.dtype = dtype;
    this.device = device;
  }

  /**
   * A tensor of `data`. On the CPU, a Float32Array (f32), an Int32Array (i32) and the bits in a Uint16Array (bf16 or f16, which
   * `dtype` must say) are used where they are; everything else is converted into new memory, by way of float32 and rounding to
   * nearest even. On a GPU the memory is always new.
   *
   * @param shape its product must be the number of elements
   * @throws SkipscanError `ERR_ARGUMENT`, `ERR_DEVICE` for a device that is not there, or `ERR_OUT_OF_MEMORY`
   */
  static from(data: TensorSource, shape: readonly number[], options: TensorOptions = {}): Tensor {
    const device = resolveDevice(options.device ?? 'cpu');
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
    const elements = elementsOf(data, dtype);
    if (elements.length !== size) {
      throw mismatch(
        'data',
        `${size} elements, the product of shape [${shape.join(', ')}],`,
        String(elements.length),
      );
    }
    return Tensor.#of(elements, shape, dtype, device);
  }

  /** A tensor of zeros. `dtype` defaults to f32. */
  static zeros(shape: readonly number[], options: TensorOptions = {}): Tensor {
    const device = resolveDevice(options.device ?? 'cpu');
    const dtype = options.dtype ?? 'f32';
    checkDtype(dtype);
    sizeOf(shape);
    const memory = device === 'cpu' ? allocate(dtype, shape) : DeviceMemory.zeros(device, dtype, shape);
    return new Tensor(memory, shape, dtype, device);
  }

  /** @internal A tensor that owns this memory of a GPU. */
  static over(memory: DeviceMemory, shape: readonly number[]): Tensor {
    const { device, dtype } = memory.array;
    return new Tensor(memory, shape, dtype, device as Device);
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** Whether it has let go of its memory. */
  get disposed(): boolean {
    return this.#memory === undefined;
  }

  /**
   * The elements where they are: writing to this array writes to the tensor. Float32Array for f32, Int32Array for i32,
   * Uint16Array with the bits for bf16 and f16.
   *
   * @throws SkipscanError `ERR_DEVICE` for a tensor on a GPU; `ERR_DISPOSED` after `dispose()`, or when the memory was
   *   transferred to another thread
   */
  data(): TensorData {
    const memory = this.memory();
    if (!(memory instanceof DeviceMemory)) return memory;
    throw new SkipscanError(
      'ERR_DEVICE',
      `This tensor is on ${this.device}, whose memory JavaScript cannot reach. Copy it first: await tensor.to('cpu').`,
    );
  }

  /** The values as float32: the memory of the tensor for f32, a copy for the others. Throws as `data()` does. */
  toFloat32(): Float32Array {
    return convert(this.data(), this.dtype, 'f32') as Float32Array;
  }

  /**
   * The tensor in another dtype or on another device; rounds to nearest even. Where nothing has to change, the result shares
   * the memory of this tensor; each is disposed on its own.
   *
   * @throws SkipscanError `ERR_ARGUMENT` when i32 cannot hold a value, `ERR_DEVICE` for a device that is not there or does not
   *   work any more, `ERR_OUT_OF_MEMORY`
   */
  async to(target: Dtype | Device | { dtype?: Dtype; device?: Device }): Promise<Tensor> {
    const { dtype = this.dtype, device: wanted = this.device } = readTarget(target);
    checkDtype(dtype);
    const device = wanted === this.device ? wanted : resolveDevice(wanted);
    const memory = this.memory();
    const isSame = dtype === this.dtype && device === this.device;
    if (memory instanceof DeviceMemory && isSame) return Tensor.over(memory.share(), this.shape);
    const data = memory instanceof DeviceMemory ? await memory.read() : memory;
    return Tensor.#of(convert(data, this.dtype, dtype), this.shape, dtype, device);
  }

  /**
   * Lets go of the memory. A typed array that others hold stays theirs; a GPU's memory is given back as soon as no call needs it.
   * May be called again.
   */
  dispose(): void {
    if (this.#memory instanceof DeviceMemory) this.#memory.release();
    this.#memory = undefined;
  }

  /** `dispose()`, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal What holds the elements. */
  memory(): TensorData | DeviceMemory {
    if (!this.#memory) {
      throw new SkipscanError('ERR_DISPOSED', 'This tensor was disposed. Make a new one to use it.');
    }
    if (!(this.#memory instanceof DeviceMemory) && this.#memory.length === 0) {
      throw new SkipscanError(
        'ERR_DISPOSED',
        'The memory of this tensor was transferred away. Transfer a copy instead.',
      );
    }
    return this.#memory;
  }

  /** A tensor of these elements, which are its memory on the CPU. */
  static #of(elements: TensorData, shape: readonly number[], dtype: Dtype, device: Device): Tensor {
    if (device === 'cpu') return new Tensor(elements, shape, dtype, device);
    return new Tensor(DeviceMemory.copyOf(elements, device, dtype, shape), shape, dtype, device);
  }
}

type Target = Parameters<Tensor['to']>[0];

function readTarget(target: Target): { dtype?: Dtype; device?: Device } {
  if (typeof target === 'object' && target !== null) return target;
  if (isDtype(target)) return { dtype: target };
  if (/^(cpu|cuda:\d+)$/.test(String(target))) return { device: target };
  throw invalidArgument('to()', `a dtype (f32, bf16, f16, i32) or a device ('cpu', 'cuda:0')`, target);
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
