import { types } from 'node:util';
import { invalidArgument } from '../errors';
import { decodeImage } from '../vision/decode';
import type { RgbImage } from '../vision/image';
import { cropImage, type EvalTransform, normalizeImages } from '../vision/preprocess';
import type { PixelShape } from './vision-input';

/** An image file: its path, or its content. */
export type ImageSource = string | Uint8Array;

/** Images that go through a model in one call; more only need more memory. */
const batchSize = 8;

/** One image, or several, as several. */
export function imageList(images: ImageSource | readonly ImageSource[]): readonly ImageSource[] {
  if (Array.isArray(images)) return images;
  if (typeof images === 'string' || types.isUint8Array(images)) return [images];
  throw invalidArgument(
    'images',
    'a path, the content of an image file as a Uint8Array, or an array of these',
    images,
  );
}

/** An image as a model sees it, in 8 bits. `label` names it in errors. */
export async function loadImage(
  image: ImageSource,
  transform: EvalTransform,
  label?: string,
): Promise<RgbImage> {
  return cropImage(await decodeImage(image, label), transform);
}

/**
 * Puts images through a model in batches of bounded size. While one is computed, the next is decoded; an abort is heeded between
 * them.
 *
 * @returns what `compute` made of each batch, in order
 */
export async function inBatches<T>(
  images: readonly ImageSource[],
  transform: EvalTransform,
  compute: (pixels: Float32Array, shape: PixelShape) => Promise<T>,
  signal?: AbortSignal,
): Promise<T[]> {
  const decode = async (start: number) => {
    const batch = images.slice(start, start + batchSize);
    const label = (i: number) => (images.length === 1 ? undefined : `images[${start + i}]`);
    return Promise.all(batch.map((image, i) => loadImage(image, transform, label(i))));
  };
  const results: T[] = [];
  let next = images.length > 0 ? decode(0) : undefined;
  for (let start = 0; next !== undefined; start += batchSize) {
    const batch = await next;
    signal?.throwIfAborted();
    next = start + batchSize < images.length ? decode(start + batchSize) : undefined;
    // It is awaited in the next round; where there is none because this one fails, nobody needs to hear of it.
    next?.catch(() => {});
    const shape = [batch.length, 3, transform.crop, transform.crop] as const;
    results.push(await compute(normalizeImages(batch, transform), shape));
  }
  return results;
}
