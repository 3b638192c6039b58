// Stands in for lib/native in tests that run the public operators on every backend:
//   jest.mock('../../lib/native', () => jest.requireActual('../helpers/chosen-backend'));
import type { Native } from '../../lib/native-types';
import { testDevice } from './test-device';

const { native: addon } = jest.requireActual<typeof import('../../lib/native')>('../../lib/native');
let chosen: string | undefined;
let ran: string | undefined;

const runOp: Native['runOp'] = async (name, params, options) => {
  const isOnGpu = options.device !== undefined;
  ran = await addon.runOp(name, params, isOnGpu ? options : { backend: chosen, ...options });
  return ran;
};

export const native: Native = new Proxy(addon, {
  get: (_, name) => (name === 'runOp' ? runOp : Reflect.get(addon, name)),
});

/** Every backend of the CPU, and a GPU's where tests are to run on one: tensors must then be on `chosenDevice()`. */
export function allBackends(): string[] {
  // AMX differs from AVX-512 in products with packed weights alone, which no public operator has.
  const available = addon.cpuBackends().available.filter((name) => name !== 'amx');
  return testDevice() === 'cpu' ? available : [...available, 'cuda'];
}

export function useBackend(name: string): void {
  chosen = name;
}

/** Where tensors must be for the chosen backend to compute with them. */
export function chosenDevice() {
  return chosen === 'cuda' ? testDevice() : 'cpu';
}

/** The kernel of the last operator. */
export function lastRoute(): string | undefined {
  return ran;
}
