import { types } from 'node:util';
import { invalidArgument, mismatch } from '../errors';

/** An image in memory: `data` is `[height, width, 3]`, red, green and blue from 0 to 255. */
export type RgbImage = { readonly data: Uint8Array; readonly width: number; readonly height: number };

/** @throws SkipscanError `ERR_ARGUMENT` unless `image` is an RgbImage with as much data as its size says. */
export function checkRgbImage(image: RgbImage, name: string): void {
  const { data, width, height } = image ?? {};
  const isSide = (side: unknown) => Number.isSafeInteger(side) && (side as number) > 0;
  if (!(types.isUint8Array(data) && isSide(width) && isSide(height))) {
    throw invalidArgument(name, 'an image { data: Uint8Array, width, height }', image);
  }
  const bytes = width * height * 3;
  if (data.length !== bytes) {
    throw mismatch(`${name}.data`, `${height} x ${width} x 3 = ${bytes} bytes`, `${data.length}`);
  }
}
