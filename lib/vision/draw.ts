import { fromNative } from '../errors';
import { native } from '../native';
import { checkExplanation, composeFigure, type Explanation } from './figure';
import type { RgbImage } from './image';
import { loadSharp } from './sharp';
import { canDrawText, textLayer } from './text-layer';

/** Least side of a panel; smaller images are enlarged by a whole factor. */
const leastSide = 224;

/**
 * Draws what the reductions left of an image as a PNG: the image, then for each reduction the image with the patches that are gone
 * faded, and below it a heat map of the scores by which it chose, where there are any. Patches without a score are hatched. Captions
 * need a font on the system; where there is none they are left out.
 *
 * @throws SkipscanError `ERR_ARGUMENT` for patches that are not in the grid, or a grid that is not in the image;
 * `ERR_UNSUPPORTED` where the package sharp cannot be loaded.
 */
export async function drawExplanation(explanation: Explanation): Promise<Uint8Array> {
  checkExplanation(explanation);
  const sharp = await loadSharp();
  const { image } = explanation;
  const scale = Math.max(1, Math.ceil(leastSide / Math.min(image.width, image.height)));
  const { canvas, texts } = composeFigure(explanation, await enlarge(image, scale), scale);
  const { width, height } = canvas;
  const hasText = texts.length > 0 && (await canDrawText(sharp));
  return sharp(canvas.data, { raw: { width, height, channels: 3 } })
    .composite(hasText ? [{ input: textLayer(width, height, texts) }] : [])
    .removeAlpha()
    .png()
    .toBuffer();
}

async function enlarge(image: RgbImage, scale: number): Promise<RgbImage> {
  if (scale === 1) return image;
  const to = { width: image.width * scale, height: image.height * scale };
  const data = await fromNative(() =>
    native.resampleImage(image.data, image, to, { left: 0, top: 0, ...to }),
  );
  return { data, ...to };
}
