import os from 'node:os';
import { fromNativeSync, invalidArgument, SkipscanError } from './errors';
import { native } from './native';
import { availableProcessors } from './processors';

/** Where a model or a tensor is. */
export type Device = 'cpu' | `cuda:${number}`;

/** A processor that models and tensors can be on. */
export type DeviceInfo = {
  /** What the option `device` takes. */
  id: Device;
  /** The maker's name of it. */
  name: string;
  /** The kernels in use: of the CPU `'avx512'`, `'avx2'` or `'portable'`, of a GPU `'cuda'`. */
  backend: string;
  /** Bytes of memory in all. */
  memory: number;
  /** Of the CPU: threads that may run at once. */
  threads?: number;
  /** Of a GPU: its compute capability, such as `'9.0'`. */
  capability?: string;
  /** Of a GPU: its multiprocessors. */
  multiprocessors?: number;
};

/** What is known of CUDA on this machine. */
export type CudaStatus = {
  /** Whether there is a CUDA device that this build can use. */
  available: boolean;
  /** Why there are none, as a clause with a full stop; absent where there are. */
  reason?: string;
  /** The newest CUDA version that the driver knows, such as `'13.0'`; absent without a driver. */
  driver?: string;
  /** The CUDA version that this build was made with; absent in a build without CUDA. */
  runtime?: string;
};

/**
 * The devices of this machine, `'cpu'` first, then `'cuda:0'` and so on.
 *
 * @throws SkipscanError `ERR_NATIVE` when the native engine does not load, `ERR_ARGUMENT` when the environment variable
 *   `SKIPSCAN_CPU` names kernels that the machine cannot run
 */
export function listDevices(): DeviceInfo[] {
  const { chosen } = fromNativeSync(() => native.cpuBackends());
  const cpu: DeviceInfo = {
    id: 'cpu',
    name: os.cpus()[0]?.model.trim() || os.arch(),
    backend: chosen,
    memory: os.totalmem(),
    threads: availableProcessors(),
  };
  const gpus = native
    .cudaStatus()
    .devices.map((device, i): DeviceInfo => ({ id: `cuda:${i}`, backend: 'cuda', ...device }));
  return [cpu, ...gpus];
}

/**
 * Whether CUDA devices can be used; why not, where they cannot.
 *
 * @throws SkipscanError `ERR_NATIVE` when the native engine does not load
 */
export function cudaStatus(): CudaStatus {
  const { devices, ...rest } = native.cudaStatus();
  return { available: devices.length > 0, ...rest };
}

/**
 * The device that `device` means; `'auto'` is the first GPU if there is one.
 *
 * @throws SkipscanError `ERR_DEVICE` when the machine or this build does not have it
 */
export function resolveDevice(device: 'auto' | Device): Device {
  if (device === 'cpu') return device;
  const gpu = typeof device === 'string' ? device.match(/^cuda:(0|[1-9]\d*)$/) : null;
  if (device !== 'auto' && !gpu) {
    throw invalidArgument('device', "'auto', 'cpu' or 'cuda:<number>'", device);
  }
  const { devices, reason } = native.cudaStatus();
  if (device === 'auto') return devices.length > 0 ? 'cuda:0' : 'cpu';
  if (Number(gpu?.[1]) < devices.length) return device;
  const advice =
    devices.length === 0 ? `${reason} Use 'cpu'.` : `this machine has ${counted(devices.length)}`;
  throw new SkipscanError('ERR_DEVICE', `Device ${device} is not available: ${advice}`);
}

/** How many devices there are, and which. */
function counted(count: number): string {
  if (count === 1) return "1 CUDA device. Use 'cuda:0', or 'cpu'.";
  return `${count} CUDA devices. Use one from 'cuda:0' to 'cuda:${count - 1}', or 'cpu'.`;
}
