// Stands in for lib/native in tests that run the public operators on every backend:
//   jest.mock('../../lib/native', () => jest.requireActual('../helpers/chosen-backend'));
import type { Native } from '../../lib/native-types';

const { native: addon } = jest.requireActual<typeof import('../../lib/native')>('../../lib/native');
let chosen: string | undefined;
let ran: string | undefined;

export const native: Pick<Native, 'cpuBackends' | 'runOp'> = {
  cpuBackends: () => addon.cpuBackends(),
  async runOp(name, params) {
    ran = await addon.runOp(name, params, { backend: chosen });
    return ran;
  },
};

export function useBackend(name: string): void {
  chosen = name;
}

/** The kernel of the last operator. */
export function lastRoute(): string | undefined {
  return ran;
}
