export { type ClassNames, imagenetSynsets } from './class-names';
export { type EvaluatedReduction, type EvaluateOptions, type Evaluation, evaluate, rankOf } from './evaluate';
export { type ImageBatch, imageBatches } from './image-batches';
export { type ImageFolder, type LabelledImage, openImageFolder, sampleImages } from './image-folder';
export type { JournalHeader } from './journal';
export { type ReductionResult, type RunOptions, runTask, type TaskResult } from './run-task';
export { difference, type Estimate, estimate, pairedDifference } from './statistics';
export type { Measured, Metric, SampleValues, Task } from './task';
