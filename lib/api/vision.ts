/**
 * ViM and PlainMamba image classifiers: loading them, classifying images, features, pictures of what a reduction keeps.
 *
 * @module vision
 */
export type { Classification, ClassifyOptions } from '../models/classify';
export type { ExplainOptions, Explanation } from '../models/explain';
export type { VisionConfig } from '../models/vision-config';
export type { ImageSource } from '../models/vision-images';
export type { PixelShape } from '../models/vision-input';
export { loadVisionModel, type VisionLoadOptions } from '../models/vision-load';
export type {
  FeatureOptions,
  VisionForward,
  VisionForwardOptions,
  VisionModel,
} from '../models/vision-model';
export type { VisionModelName } from '../models/vision-names';
export type { VisionStats } from '../models/vision-stats';
