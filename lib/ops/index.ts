/** Every operator of the engine as a function on tensors, for packages that build their own models. */
export type { Alignment } from './alignment';
export { type CausalConvOptions, causalConv } from './causal-conv';
export {
  type GatedRmsNormOptions,
  gatedRmsNorm,
  type RmsNormOptions,
  type RmsNormResult,
  rmsNorm,
} from './norms';
export { type EmbeddingOptions, embedding, type LinearOptions, linear } from './products';
export { type ScanResult, type SelectiveScanOptions, selectiveScan } from './selective-scan';
export { type SsdScanOptions, ssdScan } from './ssd-scan';
