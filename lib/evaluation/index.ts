export { type ClassNames, imagenetSynsets } from './class-names';
export { type EvaluatedReduction, type EvaluateOptions, type Evaluation, evaluate, rankOf } from './evaluate';
export { type ImageBatch, imageBatches } from './image-batches';
export { type ImageFolder, type LabelledImage, openImageFolder, sampleImages } from './image-folder';
export { type Estimate, estimate, pairedDifference } from './statistics';
