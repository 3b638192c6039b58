import { mismatch } from '../errors';
import type { VisionConfig } from '../models/vision-config';
import { patchGrid, tokensOf } from '../models/vision-grid';
import type { Flops } from './flops';
import { Options } from './options';
import type { Policy } from './policy-types';
import { reducedWork } from './reduced-work';

/** Floating-point operations of one image, a multiply-add counted as two. `total` has the embedding in it. */
export type VisionFlops = Flops & {
  /** Making tokens of pixels: ViM's patches; PlainMamba's convolutions, and those depthwise ones that some of its layers end in. */
  embedding: number;
};

/** Of what image FLOPs are counted, under which reduction. */
export type VisionFlopsOptions = {
  /** Tokens of the image, ViM's class token included. Defaults to those of the image size. */
  length?: number;
  /** Height and width in pixels. Defaults to those that the model was trained on. */
  imageSize?: readonly [height: number, width: number];
  /** Removes tokens on the way. Defaults to none. */
  reduction?: Policy;
  /** How many tokens each reduction left; for `ltmp`, and needed there. */
  counts?: readonly number[];
};

/** Channels of PlainMamba's first convolutions. */
export const stemChannels = 64;

/** @internal `flops()` of a vision model, by the model of docs/reduction.md, section 7. */
export function visionFlops(config: VisionConfig, o: VisionFlopsOptions): VisionFlops {
  const options = new Options('flops()', o, ['length', 'imageSize', 'reduction', 'counts']);
  const { length, halfPixels } = sizeOf(config, options);
  const { rows, reduction } =
    o.reduction !== undefined
      ? reducedWork(config, o.reduction, length, o.counts)
      : { rows: Array<number>(config.layers).fill(length), reduction: 0 };
  const blocks = rows.reduce((sum, n) => sum + n, 0) * visionBlockFlopsPerToken(config);
  const depthwise = config.depthwiseLayers.reduce((sum, layer) => sum + rows[layer], 0);
  const embedding =
    patchFlops(config, tokenPatches(config, length), halfPixels) + 2 * 9 * config.dModel * depthwise;
  const head = 2 * config.dModel * config.numClasses;
  return { total: blocks + head + reduction + embedding, blocks, head, reduction, embedding };
}

/** FLOPs of one block for one token: the scan of each direction counts 9*E*N, and in PlainMamba E more for summing them up. */
export function visionBlockFlopsPerToken(config: VisionConfig): number {
  const { dModel: D, dInner: E, dState: N, convWidth: k, dtRank: R } = config;
  const projections = 2 * D * 2 * E + 2 * E * D;
  const parameters = 2 * E * (R + 2 * N) + 2 * R * E;
  return config.family === 'vim'
    ? projections + 2 * (2 * E * k + parameters + 9 * E * N)
    : projections + 2 * E * k * k + parameters + 4 * (9 * E * N + E);
}

/** @param halfPixels places of PlainMamba's first convolutions, whose output has half the sides of the image */
function patchFlops(config: VisionConfig, patches: number, halfPixels: number): number {
  const { dModel: D, patchSize } = config;
  if (config.family === 'vim') return 2 * 3 * patchSize ** 2 * D * patches;
  const stem = 7 * 7 * 3 * stemChannels + config.stemConvs * 3 * 3 * stemChannels ** 2;
  return 2 * stem * halfPixels + 2 * stemChannels * (patchSize / 2) ** 2 * D * patches;
}

/** Tokens and places of the first convolutions: of an image, or where only other tokens are given, of patches that are whole. */
function sizeOf(config: VisionConfig, options: Options): { length: number; halfPixels: number } {
  const image = imageSizeOf(config, options.pixels('imageSize', config.imageSize));
  const length = options.whole('length', tokensOf(config, 1), image.length);
  if (length === image.length) return image;
  if (options.has('imageSize')) {
    throw mismatch('length of flops()', `${image.length}, as the image size makes it,`, `${length}`);
  }
  return { length, halfPixels: length * (config.patchSize / 2) ** 2 };
}

function imageSizeOf(config: VisionConfig, [height, width]: readonly [number, number]) {
  const { rows, columns } = patchGrid(config, height, width);
  if (rows < 1 || columns < 1) {
    throw mismatch(
      'imageSize of flops()',
      `at least a patch of ${config.patchSize} pixels`,
      `${height} x ${width}`,
    );
  }
  return {
    length: tokensOf(config, rows * columns),
    halfPixels: Math.ceil(height / 2) * Math.ceil(width / 2),
  };
}

function tokenPatches(config: VisionConfig, length: number): number {
  return length - tokensOf(config, 0);
}
