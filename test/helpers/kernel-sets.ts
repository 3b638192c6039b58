import { native } from '../../lib/native';

/** Whose kernels run what is not a product: AMX has products of its own, and all else from AVX-512. */
export const kernelsOf = (backend: string): string => (backend === 'amx' ? 'avx512' : backend);

/** The CPU's backends that differ in more than products. */
export function kernelSets(): string[] {
  return [...new Set(native.cpuBackends().available.map(kernelsOf))];
}
