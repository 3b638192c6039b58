import { types } from 'node:util';
import { describe, invalidArgument, mismatch } from '../errors';
import type { VisionConfig } from './vision-config';
import { patchGrid, tokensOf } from './vision-grid';

/** `[images, 3, height, width]`. */
export type PixelShape = readonly [images: number, channels: number, height: number, width: number];

/** Images that a model can take, and what it makes of each. */
export type VisionInput = {
  images: number;
  height: number;
  width: number;
  /** Rows and columns of patches. */
  rows: number;
  columns: number;
  /** Of one image, ViM's class token included. */
  tokens: number;
};

/** Tokens of all images of a call; rows are counted in 32 bits, and memory ends long before. */
const mostTokens = 2 ** 22;

/** Checks pixels and their shape against each other and against the model. */
export function checkPixels(pixels: Float32Array, shape: PixelShape, config: VisionConfig): VisionInput {
  if (!types.isFloat32Array(pixels)) {
    throw invalidArgument('pixels', 'a Float32Array of normalised images', pixels);
  }
  if (!Array.isArray(shape) || shape.length !== 4 || !shape.every(isSize) || shape[1] !== 3) {
    const found = Array.isArray(shape) ? `[${shape.map(describe).join(', ')}]` : describe(shape);
    throw mismatch('shape', '[images, 3, height, width]', found);
  }
  const [images, , height, width] = shape as unknown as PixelShape;
  const values = images * 3 * height * width;
  if (pixels.length !== values) {
    throw mismatch('pixels', `${shape.join(' x ')} = ${values} values, as shape says,`, `${pixels.length}`);
  }
  return checkImageSize(images, height, width, config);
}

/** What a model makes of images of this size, if it can take them. */
export function checkImageSize(
  images: number,
  height: number,
  width: number,
  config: VisionConfig,
): VisionInput {
  if (!isSize(height) || !isSize(width)) {
    throw mismatch(
      'the image size',
      'whole numbers of pixels above 0',
      `${describe(height)} x ${describe(width)}`,
    );
  }
  const { rows, columns } = patchGrid(config, height, width);
  if (rows < 1 || columns < 1) {
    throw mismatch(
      'the image size',
      `at least ${config.patchSize} x ${config.patchSize} pixels, which is one patch,`,
      `${height} x ${width}`,
    );
  }
  const tokens = tokensOf(config, rows * columns);
  if (images * tokens > mostTokens) {
    throw mismatch('the images', `at most ${mostTokens} tokens in all`, `${images} of ${tokens} tokens`);
  }
  return { images, height, width, rows, columns, tokens };
}

function isSize(n: unknown): boolean {
  return Number.isSafeInteger(n) && (n as number) > 0;
}
