import type { Device } from '../device';
import { DeviceMemory } from '../device-memory';
import type { Dtype, TensorData } from '../elements';
import type { NativeDeviceArray } from '../native-system-types';
import type { NativeFloats, NativeWeight } from '../native-types';
import { Tensor } from '../tensor';

/** Memory that an operator writes to. */
export type Output<Data extends TensorData> = {
  /** Zeros; what the addon takes. */
  readonly array: Data | NativeDeviceArray;
  /** The tensor that the memory is of. */
  tensor(): Tensor;
  /** What was written, in memory of the CPU. */
  read(): Promise<Data>;
};

/**
 * The memory of one operator call, on the one device where its tensors are. What it hands out is there until it is disposed,
 * even when the tensors are disposed before.
 */
export interface Place extends Disposable {
  readonly device: Device;
  /** Whether kernels there read arrays in the dtypes that they have. Elsewhere all floats become float32 first. */
  readonly isTyped: boolean;

  floats(tensor: Tensor): NativeFloats;
  /** The elements in their own dtype, wherever that is. */
  weight(tensor: Tensor): NativeWeight;
  /** Floats that are in memory of the CPU. */
  upload(values: Float32Array): NativeFloats;
  /** A tensor of the same values, which is as independent as any result. */
  copy(tensor: Tensor): Tensor;

  output(shape: readonly number[], dtype: 'i32'): Output<Int32Array>;
  output(shape: readonly number[], dtype: Dtype): Output<Float32Array>;
}

export function placeOn(device: Device): Place {
  return device === 'cpu' ? new CpuPlace() : new GpuPlace(device);
}

/** Floats are float32 while operators run, whatever the dtypes of the tensors. */
class CpuPlace implements Place {
  readonly device = 'cpu';
  readonly isTyped = false;

  floats(tensor: Tensor): Float32Array {
    return tensor.toFloat32();
  }

  weight(tensor: Tensor): NativeWeight {
    return tensor.data() as NativeWeight;
  }

  upload(values: Float32Array): Float32Array {
    return values;
  }

  copy(tensor: Tensor): Tensor {
    return Tensor.from(tensor.data().slice(), tensor.shape, { dtype: tensor.dtype });
  }

  output(shape: readonly number[], dtype: 'i32'): Output<Int32Array>;
  output(shape: readonly number[], dtype: Dtype): Output<Float32Array>;
  output(shape: readonly number[], dtype: Dtype): Output<TensorData> {
    const array = Tensor.zeros(shape, { dtype: dtype === 'i32' ? 'i32' : 'f32' }).data();
    return {
      array,
      tensor: () => Tensor.from(array, shape, { dtype }),
      read: async () => array,
    };
  }

  [Symbol.dispose](): void {}
}

/** Every array is in the GPU's memory, of which the place is one of the owners. */
class GpuPlace implements Place {
  readonly isTyped = true;
  readonly #owned: DeviceMemory[] = [];

  constructor(readonly device: Device) {}

  floats(tensor: Tensor): NativeDeviceArray {
    return this.#own(memoryOf(tensor).share()).array;
  }

  weight(tensor: Tensor): NativeDeviceArray {
    return this.floats(tensor);
  }

  upload(values: Float32Array): NativeDeviceArray {
    return this.#own(DeviceMemory.copyOf(values, this.device, 'f32', [values.length])).array;
  }

  /** Nothing writes to the memory of a tensor on a GPU, so that both may share it. */
  copy(tensor: Tensor): Tensor {
    return Tensor.over(memoryOf(tensor).share(), tensor.shape);
  }

  output(shape: readonly number[], dtype: 'i32'): Output<Int32Array>;
  output(shape: readonly number[], dtype: Dtype): Output<Float32Array>;
  output(shape: readonly number[], dtype: Dtype): Output<TensorData> {
    const memory = this.#own(DeviceMemory.zeros(this.device, dtype, shape));
    return {
      array: memory.array,
      tensor: () => Tensor.over(memory.share(), shape),
      read: () => memory.read(),
    };
  }

  [Symbol.dispose](): void {
    for (const memory of this.#owned.splice(0)) memory.release();
  }

  #own(memory: DeviceMemory): DeviceMemory {
    this.#owned.push(memory);
    return memory;
  }
}

const memoryOf = (tensor: Tensor) => tensor.memory() as DeviceMemory;
