import { fromNative, mismatch } from '../errors';
import { native } from '../native';
import { checkRgbImage, type RgbImage } from './image';

/** How images become a model's input: the authors' evaluation of ViM and PlainMamba. */
export type EvalTransform = {
  /** Length that the shorter side is resampled to, in pixels. */
  readonly resize: number;
  /** Side of the square that is cut out of the middle: the model's image size. At most `resize`. */
  readonly crop: number;
  /** Of red, green and blue, which go from 0 to 1; and so is `std`. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
};

/** What the authors crop: the middle 7/8 of the shorter side. */
const cropShare = 0.875;
/** Of ImageNet's training images. */
const imagenetMean = [0.485, 0.456, 0.406] as const;
const imagenetStd = [0.229, 0.224, 0.225] as const;

/**
 * The transform for a model of this image size, `[height, width]`: 224 gives a shorter side of 256 and a crop of 224.
 *
 * @throws SkipscanError `ERR_ARGUMENT` for a size that is not square, because the authors evaluate on square crops only.
 */
export function evalTransform(imageSize: readonly [number, number]): EvalTransform {
  const [height, width] = imageSize;
  if (height !== width) {
    throw mismatch(
      'imageSize',
      'the same height and width, because images are cropped to a square',
      `${height} x ${width}`,
    );
  }
  return { resize: Math.floor(height / cropShare), crop: height, mean: imagenetMean, std: imagenetStd };
}

/**
 * The square that a model sees of an image, in 8 bits: the shorter side resampled to `resize`, the middle cut out. What lies
 * outside of it is not computed. Equal to torchvision's `Resize(resize, BICUBIC)` and `CenterCrop(crop)` on a Pillow image.
 */
export async function cropImage(
  image: RgbImage,
  { resize, crop }: Pick<EvalTransform, 'resize' | 'crop'>,
): Promise<RgbImage> {
  checkRgbImage(image, 'image');
  if (!(Number.isInteger(crop) && crop > 0 && Number.isInteger(resize) && resize >= crop)) {
    throw mismatch(
      'transform',
      'whole numbers 0 < crop <= resize',
      `crop ${String(crop)}, resize ${String(resize)}`,
    );
  }
  const from = { width: image.width, height: image.height };
  const to = resizedSize(from, resize);
  const box = {
    left: roundHalfToEven((to.width - crop) / 2),
    top: roundHalfToEven((to.height - crop) / 2),
    width: crop,
    height: crop,
  };
  const data = await fromNative(() => native.resampleImage(image.data, from, to, box));
  return { data, width: crop, height: crop };
}

/**
 * Squares of 8 bits as a model's input: float32 `[images, 3, side, side]`, `(value / 255 - mean) / std` with every step
 * rounded to float32 as torch does it.
 *
 * @throws SkipscanError `ERR_ARGUMENT` for images that are not all of one size.
 */
export function normalizeImages(
  images: readonly RgbImage[],
  { mean, std }: Pick<EvalTransform, 'mean' | 'std'>,
): Float32Array<ArrayBuffer> {
  const { width, height } = images[0] ?? { width: 0, height: 0 };
  const plane = width * height;
  const pixels = new Float32Array(images.length * 3 * plane);
  const values = mean.map((_, channel) => normalizedValues(mean[channel], std[channel]));
  for (const [i, image] of images.entries()) {
    checkRgbImage(image, `images[${i}]`);
    if (image.width !== width || image.height !== height) {
      throw mismatch(
        `images[${i}]`,
        `the size of images[0] (${width} x ${height})`,
        `${image.width} x ${image.height}`,
      );
    }
    for (let channel = 0; channel < 3; channel += 1) {
      const out = pixels.subarray((3 * i + channel) * plane, (3 * i + channel + 1) * plane);
      for (let p = 0; p < plane; p += 1) out[p] = values[channel][image.data[3 * p + channel]];
    }
  }
  return pixels;
}

/** Images of any sizes as a model's input, `[images, 3, crop, crop]`: `cropImage`, then `normalizeImages`. */
export async function preprocess(
  images: readonly RgbImage[],
  transform: EvalTransform,
): Promise<Float32Array<ArrayBuffer>> {
  return normalizeImages(await Promise.all(images.map((image) => cropImage(image, transform))), transform);
}

/** The longer side is rounded down. */
function resizedSize({ width, height }: { width: number; height: number }, shorter: number) {
  const longer = Math.floor((shorter * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? { width: shorter, height: longer } : { width: longer, height: shorter };
}

/** Of a number of halves, as Python's `round`. */
function roundHalfToEven(x: number): number {
  return x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);
}

/** What each of the 256 values becomes. */
function normalizedValues(mean: number, std: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, value) => {
    const centred = Math.fround(Math.fround(value / 255) - Math.fround(mean));
    return Math.fround(centred / Math.fround(std));
  });
}
