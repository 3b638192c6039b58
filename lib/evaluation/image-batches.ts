import { decodeImage } from '../vision/decode';
import { cropImage, evalTransform, normalizeImages } from '../vision/preprocess';
import type { LabelledImage } from './image-folder';

/** Images as a model's input, with the classes that they show. */
export type ImageBatch = {
  /** `[images, 3, side, side]`, normalised. */
  pixels: Float32Array;
  shape: [number, number, number, number];
  labels: number[];
};

/**
 * Batches of images, each decoded while the one before it is in use. The last one may be smaller.
 *
 * @param imageSize of the model
 * @throws SkipscanError `ERR_ARGUMENT` that names the image which cannot be read
 */
export async function* imageBatches(
  images: readonly LabelledImage[],
  o: { imageSize: readonly [number, number]; batchSize: number },
): AsyncGenerator<ImageBatch, void, void> {
  const load = (start: number) => loadBatch(images.slice(start, start + o.batchSize), o.imageSize);
  let next = load(0);
  for (let start = o.batchSize; ; start += o.batchSize) {
    const batch = await next;
    if (start < images.length) {
      next = load(start);
      next.catch(() => {}); // it is waited for in the next turn, if there is one
    }
    yield batch;
    if (start >= images.length) return;
  }
}

/**
 * These images as one batch. Only the crops are held at once, not the images that they are cut from.
 *
 * @param imageSize of the model
 * @throws SkipscanError `ERR_ARGUMENT` that names the image which cannot be read
 */
export async function loadBatch(
  images: readonly LabelledImage[],
  imageSize: readonly [number, number],
): Promise<ImageBatch> {
  const transform = evalTransform(imageSize);
  const crops = await Promise.all(
    images.map(async ({ file }) => cropImage(await decodeImage(file, file), transform)),
  );
  return {
    pixels: normalizeImages(crops, transform),
    shape: [images.length, 3, transform.crop, transform.crop],
    labels: images.map(({ label }) => label),
  };
}
