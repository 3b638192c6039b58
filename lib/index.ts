export { type CudaStatus, cudaStatus, type Device, type DeviceInfo, listDevices } from './device';
export type { Dtype, TensorData, TensorSource } from './elements';
export { type ErrorCode, SkipscanError } from './errors';
export type { Tokens } from './models/arguments';
export type { LanguageModelConfig } from './models/config';
export type { GeneratedToken, GenerateOptions } from './models/generate';
export type { Forward, ForwardOptions, LanguageModel, WeightDtype } from './models/language-model';
export { type LoadOptions, loadLanguageModel } from './models/load';
export type { Kept } from './models/reduce';
export type { Score, ScoreOptions } from './models/score';
export type { LayerState, Session } from './models/session';
export * as ops from './ops';
export {
  type Flops,
  type FlopsOptions,
  flops,
  ltmp,
  merge,
  type Policy,
  paperSchedule,
  prune,
  random,
  recent,
  recommended,
  releasedUtrc,
  uniform,
  utrc,
} from './reduction';
export { ScanPath, type ScanPathFields } from './scan-path';
export { Tensor } from './tensor';
export type { DecodeOptions, EncodeOptions, Tokenizer } from './text';
