/**
 * Every operator of the engine as a function on tensors, for packages that build their own models: `ops.selectiveScan(...)` and so
 * on. Arguments are checked before anything runs; a call does not block the event loop.
 *
 * @module ops
 */
export type { Alignment } from './alignment';
export { type CausalConvOptions, causalConv } from './causal-conv';
export { type DepthwiseConv2dOptions, depthwiseConv2d } from './depthwise-conv2d';
export type { GridOptions } from './grid';
export { type ImagePatchesOptions, type ImagePatchesResult, imagePatches } from './image-patches';
export type { NormImportance, ScanImportance, Scored } from './importance';
export {
  type GatedRmsNormOptions,
  gatedRmsNorm,
  type LayerNormOptions,
  layerNorm,
  type NormResult,
  type RmsNormOptions,
  rmsNorm,
} from './norms';
export { type EmbeddingOptions, embedding, type LinearOptions, linear } from './products';
export { type ReduceTokensOptions, type ReduceTokensResult, reduceTokens } from './reduce-tokens';
export { type AddRowsOptions, addRows, type MeanRowsOptions, meanRows } from './rows';
export type { RowsResult } from './rows-result';
export { type Selection, type SelectTokensOptions, selectTokens } from './select-tokens';
export type { SelectionCount, SelectionDirection, SelectionPolicy } from './selection-policy';
export { type ScanResult, type SelectiveScanOptions, selectiveScan } from './selective-scan';
export { type SsdScanOptions, ssdScan } from './ssd-scan';
export {
  type ImportanceMetric,
  type TokenImportanceOptions,
  type TokenImportanceResult,
  tokenImportance,
} from './token-importance';
export { type TokenLogprobsOptions, type TokenLogprobsResult, tokenLogprobs } from './token-logprobs';
