/**
 * What operators take and return: arrays on a device, which weights files are read into, and the order in which scans and
 * convolutions visit rows.
 *
 * @module tensors
 */
export { openWeights, type ReadWeightOptions, type WeightInfo, type Weights } from '../checkpoints';
export type { Dtype, Int32s, TensorData, TensorSource } from '../elements';
export { ScanPath, type ScanPathFields } from '../scan-path';
export { Tensor, type TensorOptions } from '../tensor';
