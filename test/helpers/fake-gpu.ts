// Stands in for lib/native in tests of what lib/ does with the memory of GPUs, on any machine:
//   jest.mock('../../lib/native', () => jest.requireActual('../helpers/fake-gpu'));
// Memory is JavaScript's, and operators compute nothing: what they were given is in `fake.calls`.
import type {
  NativeCudaStatus,
  NativeDeviceArray,
  NativeDtype,
  NativeHostArray,
} from '../../lib/native-system-types';
import type { Native } from '../../lib/native-types';

/** What tests set and look at. */
export const fake = {
  status: withGpus(1),
  /** Bytes of a GPU that are left. */
  free: Infinity,
  /** Arrays that were not given back. */
  live: 0,
  calls: [] as { name: string; params: Record<string, unknown>; device?: string }[],
  /** What becomes of the next operator, after it was called. */
  outcome: async (): Promise<string> => 'cuda/fake',
};

/** What the addon says where there are this many GPUs. */
export function withGpus(count: number): NativeCudaStatus {
  const device = { name: 'Fake GPU', memory: 8 * 2 ** 30, capability: '9.0', multiprocessors: 132 };
  return { devices: new Array(count).fill(device), driver: '13.0', runtime: '13.0' };
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

class FakeArray implements NativeDeviceArray {
  #memory: NativeHostArray | undefined;

  constructor(
    readonly device: string,
    readonly dtype: NativeDtype,
    readonly length: number,
  ) {
    this.#memory = hostArray(dtype, length);
    if (this.#memory.byteLength > fake.free) throw failure('ERR_OUT_OF_MEMORY', 'cudaMalloc: out of memory');
    fake.live += 1;
  }

  write(data: NativeHostArray): void {
    if (!this.#memory || data.length !== this.length) throw failure('ERR_ARGUMENT', 'no array to write to');
    this.#memory.set(data);
  }

  async read(data: NativeHostArray): Promise<void> {
    if (!this.#memory) throw failure('ERR_DISPOSED', 'read after dispose');
    data.set(this.#memory);
  }

  dispose(): void {
    if (this.#memory) fake.live -= 1;
    this.#memory = undefined;
  }

  get disposed(): boolean {
    return this.#memory === undefined;
  }
}

function hostArray(dtype: NativeDtype, length: number): NativeHostArray {
  if (dtype === 'i32') return new Int32Array(length);
  return dtype === 'f32' ? new Float32Array(length) : new Uint16Array(length);
}

/** Whether an array that an operator was given is still there. */
export const isThere = (array: unknown): boolean => array instanceof FakeArray && !array.disposed;

export const native: Pick<Native, 'cpuBackends' | 'cudaStatus' | 'DeviceArray' | 'runOp'> = {
  cpuBackends: () => ({ available: ['portable', 'reference'], chosen: 'portable' }),
  cudaStatus: () => fake.status,
  DeviceArray: FakeArray,
  async runOp(name, params, { device }) {
    fake.calls.push({ name, params: params as never, device });
    return fake.outcome();
  },
};
