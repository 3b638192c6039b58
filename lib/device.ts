import os from 'node:os';
import { fromNativeSync, invalidArgument, SkipscanError } from './errors';
import { native } from './native';

/** Where a model or a tensor is. */
export type Device = 'cpu' | `cuda:${number}`;

/** A processor that models and tensors can be on. */
export type DeviceInfo = {
  /** What the option `device` takes. */
  id: Device;
  /** The maker's name of it. */
  name: string;
  /** The kernels in use: of the CPU `'avx512'`, `'avx2'` or `'portable'`. */
  backend: string;
  /** Bytes of memory in all. */
  memory: number;
  /** Threads that may run at once. */
  threads: number;
};

/**
 * The devices of this machine, `'cpu'` first.
 *
 * @throws SkipscanError `ERR_NATIVE` when the native engine does not load, `ERR_ARGUMENT` when the environment variable
 *   `SKIPSCAN_CPU` names kernels that the machine cannot run
 */
export function listDevices(): DeviceInfo[] {
  const { chosen } = fromNativeSync(() => native.cpuBackends());
  return [
    {
      id: 'cpu',
      name: os.cpus()[0]?.model.trim() || os.arch(),
      backend: chosen,
      memory: os.totalmem(),
      threads: os.availableParallelism(),
    },
  ];
}

/** Whether CUDA devices can be used; why not, where they cannot. */
export function cudaStatus(): { available: boolean; reason?: string; driver?: string; runtime?: string } {
  return { available: false, reason: 'this build has no CUDA backend.' };
}

/**
 * The device that `device` means; `'auto'` is a GPU if there is one.
 *
 * @throws SkipscanError `ERR_DEVICE` when the machine or this build does not have it
 */
export function resolveDevice(device: 'auto' | Device): 'cpu' {
  if (device === 'auto' || device === 'cpu') return 'cpu';
  if (typeof device === 'string' && /^cuda:\d+$/.test(device)) {
    throw new SkipscanError(
      'ERR_DEVICE',
      `Device ${device} is not available: ${cudaStatus().reason} Use 'cpu'.`,
    );
  }
  throw invalidArgument('device', "'auto', 'cpu' or 'cuda:<number>'", device);
}
