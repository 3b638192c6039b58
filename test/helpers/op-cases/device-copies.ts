import { types } from 'node:util';
import { native } from '../../../lib/native';
import type { NativeDeviceArray, NativeDtype, NativeHostArray } from '../../../lib/native-system-types';
import type { GuardedMemory } from './guarded-memory';
import { type ActivationDtype, decode, encode } from './halves';

type Params = Record<string, unknown>;
type Copy = { host: NativeHostArray; array: NativeDeviceArray; dtype: NativeDtype };

/**
 * A case's params with the arrays that must be on the device copied there, elements between their rows included: floats, and
 * whole numbers that are written. What is one array on the host is one on the device.
 */
export class DeviceCopies {
  readonly params: Params;
  readonly #copies = new Map<unknown, Copy>();

  constructor(
    device: string,
    params: Params,
    memory: GuardedMemory,
    dtypeOf: (name: string) => ActivationDtype,
  ) {
    this.params = { ...params };
    for (const [name, host] of Object.entries(params)) {
      if (!types.isTypedArray(host) || (types.isInt32Array(host) && !memory.outputOf(host))) continue;
      const dtype = dtypeIn(params, name, dtypeOf);
      let copy = this.#copies.get(host);
      if (copy && copy.dtype !== dtype) throw new Error(`${name} shares memory of dtype ${copy.dtype}`);
      if (!copy) {
        const array = new native.DeviceArray(device, dtype, host.length);
        copy = { host: host as NativeHostArray, array, dtype };
        this.#copies.set(host, copy);
        array.write(heldOnDevice(copy));
      }
      this.params[name] = copy.array;
    }
  }

  /** Copies the outputs back into the host's memory. */
  async readBack(memory: GuardedMemory): Promise<void> {
    for (const { inner } of memory.outputs) {
      const copy = this.#copies.get(inner);
      if (!copy) continue;
      const held = heldOnDevice(copy).slice();
      await copy.array.read(held);
      inner.set(copy.dtype === 'i32' ? held : decode(held as Float32Array, copy.dtype));
    }
  }

  dispose(): void {
    for (const { array } of this.#copies.values()) array.dispose();
  }
}

/** The dtype that a param has on a device. */
function dtypeIn(params: Params, name: string, dtypeOf: (name: string) => ActivationDtype): NativeDtype {
  const array = params[name];
  if (types.isInt32Array(array)) return 'i32';
  if (types.isUint16Array(array)) return params[`${name}Dtype`] as NativeDtype;
  return dtypeOf(name);
}

/** The elements as the device holds them; weights are there already. */
function heldOnDevice({ host, dtype }: Copy): NativeHostArray {
  return types.isFloat32Array(host) ? encode(host, dtype as ActivationDtype) : host;
}
