import type { Device } from './device';
import { allocate, type Dtype, type TensorData } from './elements';
import { fromNative, fromNativeSync, SkipscanError } from './errors';
import { native } from './native';
import type { NativeDeviceArray } from './native-system-types';

/** Memory of a CUDA device. Its owners share it; it is given back when the last of them lets go. */
export class DeviceMemory {
  #owners = 1;

  private constructor(
    /** What the addon takes. */
    readonly array: NativeDeviceArray,
  ) {}

  /**
   * Zeros.
   *
   * @throws SkipscanError `ERR_OUT_OF_MEMORY`, `ERR_DEVICE`
   */
  static zeros(device: Device, dtype: Dtype, shape: readonly number[]): DeviceMemory {
    const size = shape.reduce((a, b) => a * b);
    try {
      return new DeviceMemory(fromNativeSync(() => new native.DeviceArray(device, dtype, size)));
    } catch (cause) {
      if ((cause as SkipscanError).code !== 'ERR_OUT_OF_MEMORY') throw cause;
      throw new SkipscanError(
        'ERR_OUT_OF_MEMORY',
        `A tensor of shape [${shape.join(', ')}] does not fit into the memory of ${device} that is left. ` +
          'Dispose of tensors, sessions and models there that are no longer needed.',
        { cause },
      );
    }
  }

  /** A copy of `data`, whose elements have this dtype. */
  static copyOf(data: TensorData, device: Device, dtype: Dtype, shape: readonly number[]): DeviceMemory {
    const memory = DeviceMemory.zeros(device, dtype, shape);
    try {
      fromNativeSync(() => memory.array.write(data));
      return memory;
    } catch (error) {
      memory.release();
      throw error;
    }
  }

  /** A further owner. */
  share(): DeviceMemory {
    this.#owners += 1;
    return this;
  }

  /** One owner less. */
  release(): void {
    this.#owners -= 1;
    if (this.#owners === 0) this.array.dispose();
  }

  /** A copy of the elements. */
  async read(): Promise<TensorData> {
    const data = allocate(this.array.dtype, [this.array.length]);
    this.share();
    try {
      await fromNative(() => this.array.read(data));
      return data;
    } finally {
      this.release();
    }
  }
}
