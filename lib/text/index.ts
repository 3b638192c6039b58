export { TextStream } from './decoder';
export { argmax, logSoftmaxAt } from './logprobs';
export { Sampler, type SamplingOptions } from './sampler';
export { StopMatcher } from './stop';
export { type DecodeOptions, type EncodeOptions, Tokenizer } from './tokenizer';
