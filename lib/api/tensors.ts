/**
 * What operators take and return: arrays on a device, and the order in which scans and convolutions visit their rows.
 *
 * @module tensors
 */
export type { Dtype, Int32s, TensorData, TensorSource } from '../elements';
export { ScanPath, type ScanPathFields } from '../scan-path';
export { Tensor, type TensorOptions } from '../tensor';
