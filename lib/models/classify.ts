import { invalidArgument } from '../errors';
import type { Policy } from '../reduction/policy-types';
import { evalTransform } from '../vision/preprocess';
import { type ImageSource, imageList, inBatches } from './vision-images';
import type { VisionModel } from './vision-model';

/** How images are classified. */
export type ClassifyOptions = {
  /** How many classes of each image; all where the model has no more. Defaults to 5. */
  topK?: number;
  /** Removes tokens on the way. Defaults to none. */
  reduction?: Policy;
  /** Stops the work; the call rejects with `signal.reason`. */
  signal?: AbortSignal;
};

/** A class of an image. */
export type Classification = {
  /** Its name. */
  label: string;
  /** Of the class, counted from 0. */
  index: number;
  /** The softmax of the logits. */
  probability: number;
};

/** @internal `VisionModel.classify`. */
export async function classify(
  model: VisionModel,
  images: ImageSource | readonly ImageSource[],
  { topK = 5, reduction, signal }: ClassifyOptions,
): Promise<Classification[][]> {
  model.assertOpen();
  if (!Number.isInteger(topK) || topK < 1)
    throw invalidArgument('topK', 'a whole number of at least 1', topK);
  const list = imageList(images);
  using line = model.calls.reserve();
  const results = await inBatches(
    list,
    evalTransform(model.config.imageSize),
    async (pixels, shape) => {
      const { logits, numClasses } = await model.pass(pixels, shape, { reduction, signal, line });
      return Array.from({ length: shape[0] }, (_, i) =>
        topClasses(logits.subarray(i * numClasses, (i + 1) * numClasses), model.labels, topK),
      );
    },
    signal,
  );
  return results.flat();
}

/** The most probable classes, the most probable first; of equal ones the one of smaller index. */
export function topClasses(logits: Float32Array, labels: readonly string[], count: number): Classification[] {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const weights = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const total = weights.reduce((a, b) => a + b, 0);
  return [...logits.keys()]
    .sort((a, b) => logits[b] - logits[a] || a - b)
    .slice(0, count)
    .map((index) => ({ label: labels[index], index, probability: weights[index] / total }));
}

/** @internal `VisionModel.features` of image files. */
export async function imageFeatures(
  model: VisionModel,
  images: ImageSource | readonly ImageSource[],
  { reduction, signal }: Pick<ClassifyOptions, 'reduction' | 'signal'>,
): Promise<Float32Array> {
  model.assertOpen();
  const list = imageList(images);
  const { dModel, imageSize } = model.config;
  using line = model.calls.reserve();
  const all = new Float32Array(list.length * dModel);
  let done = 0;
  await inBatches(
    list,
    evalTransform(imageSize),
    async (pixels, shape) => {
      const { features } = await model.pass(pixels, shape, { reduction, signal, line, features: true });
      all.set(features!, done);
      done += features!.length;
    },
    signal,
  );
  return all;
}
