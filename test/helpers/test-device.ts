import type { Device } from '../../lib/device';

/**
 * Where tests compute: the environment variable SKIPSCAN_TEST_DEVICE, such as `cuda:0`, or the CPU. For the emulated GPU,
 * SKIPSCAN_PREBUILD names the folder that has its addon.
 */
export function testDevice(): Device {
  return (process.env.SKIPSCAN_TEST_DEVICE || 'cpu') as Device;
}
