import { invalidArgument, mismatch } from '../errors';
import type { VisionModel } from '../models/vision-model';
import type { Policy } from '../reduction';
import { type ImageBatch, imageBatches } from './image-batches';
import { type LabelledImage, sampleImages } from './image-folder';
import { rankOf } from './rank';
import { type Estimate, estimate } from './statistics';

export type EvaluateOptions = {
  /** What to evaluate; undefined is the model without a reduction. Images are decoded once for all. Defaults to `[undefined]`. */
  reductions?: readonly (Policy | undefined)[];
  /** Images of one forward pass. Defaults to 8. */
  batchSize?: number;
  /** Evaluate this many images only, drawn without replacement. Defaults to all. */
  limit?: number;
  /** Of that draw: the same seed gives the same images. Defaults to 0. */
  seed?: number;
  /** Called with images done and images in all. */
  onProgress?: (done: number, total: number) => void;
  /** Stops the evaluation; it rejects with `signal.reason`. */
  signal?: AbortSignal;
};

/** What one reduction, or none, makes of the images. */
export type EvaluatedReduction = {
  reduction?: Policy;
  top1: Estimate;
  top5: Estimate;
  /** FLOPs of all images as a share of the dense model's, the reduction's own work, embedding and head included. */
  flopsRatio: number;
  /** In the model, without decoding and preprocessing. */
  imagesPerSecond: number;
  /** How many classes the model finds more likely than the right one, image by image: 0 is right. */
  ranks: Int32Array;
};

export type Evaluation = {
  images: number;
  /** From the first image to the last, everything included. */
  seconds: number;
  results: EvaluatedReduction[];
};

/**
 * Classifies labelled images and counts how often the right class is first, and among the first five. The next images are decoded
 * while the model computes.
 *
 * @throws SkipscanError `ERR_ARGUMENT` for no images, a label that is no class of the model, or an image that cannot be read
 */
export async function evaluate(
  model: Pick<VisionModel, 'config' | 'forward'>,
  images: readonly LabelledImage[],
  o: EvaluateOptions = {},
): Promise<Evaluation> {
  const { reductions = [undefined], batchSize = 8, onProgress, signal } = o;
  const { numClasses, imageSize } = model.config;
  checkCount('batchSize', batchSize);
  if (o.limit !== undefined) checkCount('limit', o.limit);
  const chosen = sampleImages(images, o.limit, o.seed);
  if (chosen.length === 0) throw mismatch('images', 'at least one image', 'none');
  const wrong = chosen.find(({ label }) => !(Number.isInteger(label) && label >= 0 && label < numClasses));
  if (wrong) {
    throw mismatch(`the label of ${wrong.file}`, `a class from 0 to ${numClasses - 1}`, String(wrong.label));
  }

  const tallies = reductions.map((reduction) => new Tally(chosen.length, reduction));
  const start = performance.now();
  let done = 0;
  for await (const batch of imageBatches(chosen, { imageSize, batchSize })) {
    for (const tally of tallies) {
      signal?.throwIfAborted();
      const { reduction } = tally;
      tally.add(done, batch, await model.forward(batch.pixels, batch.shape, { reduction, signal }));
    }
    done += batch.labels.length;
    onProgress?.(done, chosen.length);
  }
  const seconds = (performance.now() - start) / 1000;
  return { images: chosen.length, seconds, results: tallies.map((tally) => tally.result()) };
}

function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw invalidArgument(name, 'a whole number of images above 0', value);
  }
}

type Outcome = Awaited<ReturnType<VisionModel['forward']>>;

/** What is counted of one reduction. */
class Tally {
  readonly reduction?: Policy;
  readonly #ranks: Int32Array;
  #flops = 0;
  #denseFlops = 0;
  #milliseconds = 0;

  constructor(images: number, reduction?: Policy) {
    this.#ranks = new Int32Array(images);
    this.reduction = reduction;
  }

  /** @param first index of the batch's first image among all */
  add(first: number, { labels }: ImageBatch, { logits, numClasses, stats }: Outcome): void {
    for (const [i, label] of labels.entries()) {
      this.#ranks[first + i] = rankOf(logits.subarray(i * numClasses, (i + 1) * numClasses), label);
    }
    this.#flops += stats.flops;
    this.#denseFlops += stats.denseFlops;
    this.#milliseconds += stats.milliseconds;
  }

  result(): EvaluatedReduction {
    const among = (count: number) => estimate(this.#ranks.map((rank) => Number(rank < count)));
    return {
      reduction: this.reduction,
      top1: among(1),
      top5: among(5),
      flopsRatio: this.#flops / this.#denseFlops,
      imagesPerSecond: (1000 * this.#ranks.length) / this.#milliseconds,
      ranks: this.#ranks,
    };
  }
}
