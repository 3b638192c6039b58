import os from 'node:os';
import { type Device, listDevices } from '../device';
import { availableProcessors } from '../processors';

/** What a benchmark ran on. */
export type MachineFacts = {
  /** The kernels. */
  backend: string;
  device: string;
  /** Of the CPU. */
  threads?: number;
  machine: string;
  loadAverage: number;
};

/** @param threads those that were asked for, if any were */
export function machineFacts(
  { backend, device }: { backend: string; device: Device },
  threads = availableProcessors(),
): MachineFacts {
  return {
    backend,
    device,
    ...(device === 'cpu' && { threads }),
    machine: listDevices().find(({ id }) => id === device)!.name,
    loadAverage: os.loadavg()[0],
  };
}

/** The same as a line of text. */
export function machineLine({ machine, threads, device, backend, loadAverage }: MachineFacts): string {
  const where = threads === undefined ? device : `${threads} thread${threads === 1 ? '' : 's'}`;
  return `${machine}, ${where}, ${backend} kernels; load average ${loadAverage.toFixed(2)}`;
}
