/// <reference lib="esnext.disposable" preserve="true" />
import './supported-node';

export { type CudaStatus, cudaStatus, type Device, type DeviceInfo, listDevices } from './device';
export type { Dtype, TensorData, TensorSource } from './elements';
export { type ErrorCode, SkipscanError } from './errors';
export {
  type Estimate,
  type JournalHeader,
  type LanguageTaskName,
  type LanguageTaskOptions,
  languageTask,
  type Measured,
  type Metric,
  type ReductionResult,
  type RunOptions,
  runTask,
  type SampleValues,
  type Task,
  type TaskResult,
} from './evaluation';
export type { Tokens } from './models/arguments';
export type { Classification, ClassifyOptions } from './models/classify';
export type { LanguageModelConfig } from './models/config';
export type { ExplainOptions, Explanation } from './models/explain';
export type { GeneratedToken, GenerateOptions } from './models/generate';
export type { Forward, ForwardOptions, LanguageModel } from './models/language-model';
export { type LoadOptions, loadLanguageModel } from './models/load';
export type { OperatorProfile, Profile } from './models/profile';
export type { Kept } from './models/reduce';
export type { ActivationDtype, WeightDtype } from './models/run-options';
export type { ScoreOptions } from './models/score';
export type { Score } from './models/score-batch';
export type { LayerState, Session } from './models/session';
export type { VisionConfig } from './models/vision-config';
export type { ImageSource } from './models/vision-images';
export type { PixelShape } from './models/vision-input';
export { loadVisionModel, type VisionLoadOptions } from './models/vision-load';
export type { FeatureOptions, VisionForward, VisionForwardOptions, VisionModel } from './models/vision-model';
export type { VisionModelName } from './models/vision-names';
export type { VisionStats } from './models/vision-stats';
export * as ops from './ops';
export {
  type Flops,
  type FlopsOptions,
  flops,
  ltmp,
  merge,
  type Policy,
  type PublishedFlops,
  paperSchedule,
  prune,
  publishedFlops,
  random,
  recent,
  recommended,
  releasedTop,
  releasedUtrc,
  uniform,
  utrc,
  type VisionFlops,
  type VisionFlopsOptions,
} from './reduction';
export { ScanPath, type ScanPathFields } from './scan-path';
export { Tensor } from './tensor';
export type { DecodeOptions, EncodeOptions, Tokenizer } from './text';
