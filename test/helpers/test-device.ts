import type { Device } from '../../lib/device';

/**
 * Where tests compute: the environment variable SKIPSCAN_TEST_DEVICE, such as `cuda:0`, or the CPU. For the emulated GPU,
 * SKIPSCAN_PREBUILD names the folder that has its addon.
 */
export function testDevice(): Device {
  return (process.env.SKIPSCAN_TEST_DEVICE || 'cpu') as Device;
}

/**
 * How far logits of a sequence may depend on what it is packed with. Not at all on the CPU. A GPU has kernels for few rows and
 * for many, which sum in another order: the noise of float32, where a wrong row would show as 0.1 and more.
 */
export const batchTolerance = testDevice() === 'cpu' ? 0 : 3e-5;
