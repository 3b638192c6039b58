/**
 * Mamba and Mamba-2 language models: loading them, forward passes, generating and scoring text. What several calls share, a
 * sequence's state, is a session.
 *
 * @module models
 */
export type { Tokens } from '../models/arguments';
export type { ConfigFormat, GatedNorm, LanguageModelConfig } from '../models/config';
export type { Forward, ForwardOptions } from '../models/forward';
export type { GeneratedToken, GenerateOptions } from '../models/generate';
export type { LanguageModel } from '../models/language-model';
export { type LoadOptions, loadLanguageModel } from '../models/load';
export type { ModelConfig } from '../models/model-config';
export type { OperatorProfile, Profile } from '../models/profile';
export type { Kept } from '../models/reduce';
export type { ActivationDtype, ModelOptions, WeightDtype } from '../models/run-options';
export type { ScoreOptions } from '../models/score';
export type { Score } from '../models/score-batch';
export type { QueueStatus } from '../queue';
export type { DecodeOptions, EncodeOptions, SamplingOptions, Tokenizer } from '../text';
