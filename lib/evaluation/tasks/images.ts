import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { invalidArgument, mismatch } from '../../errors';
import type { VisionModel } from '../../models/vision-model';
import type { Policy } from '../../reduction';
import { type ImageBatch, imageBatches, loadBatch } from '../image-batches';
import { type ImageFolder, type LabelledImage, sampleImages } from '../image-folder';
import { rankOf } from '../rank';
import { savedOnImages } from '../saved-flops';
import type { Measured, Metric, Task } from '../task';

export type ImagesOptions = {
  /** Only so many images, drawn without replacement. Defaults to all. */
  limit?: number;
  /** Of that draw: the same seed gives the same images. Defaults to 0. */
  seed?: number;
};

const metrics: readonly Metric[] = [
  { name: 'top1', aggregate: 'mean', better: 'higher', share: true },
  { name: 'top5', aggregate: 'mean', better: 'higher', share: true },
];

/**
 * How often the right class of an image is the most probable one, and among the five most probable ones. A range of images is decoded
 * once for all reductions that are asked for in turn, and one pass of the model; the next range is decoded while the model computes.
 *
 * @throws SkipscanError `ERR_ARGUMENT` for no images, a label that is no class of the model, or an image that cannot be read
 */
export async function imagesTask(
  model: Pick<VisionModel, 'config' | 'forward'>,
  { folder, images }: Pick<ImageFolder, 'folder' | 'images'>,
  { limit, seed = 0 }: ImagesOptions = {},
): Promise<Task> {
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
    throw invalidArgument('limit', 'a whole number of images above 0', limit);
  }
  const { imageSize, numClasses } = model.config;
  const chosen = sampleImages(images, limit, seed);
  checkLabels(chosen, numClasses);
  const decoded = new DecodedRanges(chosen, imageSize);

  return {
    name: 'images',
    samples: chosen.length,
    metrics,
    digest: await digestOf(folder, chosen),

    async measure(first, last, o): Promise<Measured> {
      const { pixels, shape, labels } = await decoded.range(first, last);
      const { logits, stats } = await model.forward(pixels, shape, o);
      const values = labels.map((label, i) => {
        const rank = rankOf(logits.subarray(i * numClasses, (i + 1) * numClasses), label);
        return { top1: Number(rank < 1), top5: Number(rank < 5) };
      });
      return { values, flops: stats.flops, denseFlops: stats.denseFlops };
    },

    saved(policy: Policy, { step = 1, signal } = {}) {
      const some = chosen.filter((_, i) => i % step === 0);
      return savedOnImages(model, imageBatches(some, { imageSize, batchSize: 16 }), policy, signal);
    },
  };
}

/** The range in use, and the one that is probably asked for next: after it, of the same size. */
class DecodedRanges {
  readonly #images: readonly LabelledImage[];
  readonly #imageSize: readonly [number, number];
  #current?: Range;
  #next?: Range;

  constructor(images: readonly LabelledImage[], imageSize: readonly [number, number]) {
    this.#images = images;
    this.#imageSize = imageSize;
  }

  async range(first: number, last: number): Promise<ImageBatch> {
    if (!isRange(this.#current, first, last)) {
      this.#current = isRange(this.#next, first, last) ? this.#next! : this.#load(first, last);
      this.#next = undefined;
    }
    const batch = await this.#current!.batch;
    if (!this.#next && last < this.#images.length) {
      this.#next = this.#load(last, Math.min(2 * last - first, this.#images.length));
      this.#next.batch.catch(() => {}); // whoever asks for it is told
    }
    return batch;
  }

  #load(first: number, last: number): Range {
    return { first, last, batch: loadBatch(this.#images.slice(first, last), this.#imageSize) };
  }
}

type Range = { first: number; last: number; batch: Promise<ImageBatch> };

function isRange(range: Range | undefined, first: number, last: number): boolean {
  return range?.first === first && range.last === last;
}

function checkLabels(images: readonly LabelledImage[], numClasses: number): void {
  if (images.length === 0) throw mismatch('images', 'at least one image', 'none');
  const wrong = images.find(({ label }) => !(Number.isInteger(label) && label >= 0 && label < numClasses));
  if (wrong) {
    throw mismatch(`the label of ${wrong.file}`, `a class from 0 to ${numClasses - 1}`, String(wrong.label));
  }
}

/** Of names within the folder, sizes and classes: reading a whole data set for a hash would take longer than many a measurement. */
async function digestOf(folder: string, images: readonly LabelledImage[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { file, label } of images) {
    const size = await stat(file).then(
      (found) => found.size,
      () => -1, // told when it is to be decoded
    );
    hash.update(`${path.relative(folder, file).split(path.sep).join('/')}\0${size}\0${label}\n`);
  }
  return hash.digest('hex');
}
