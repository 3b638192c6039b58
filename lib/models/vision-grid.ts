import type { VisionConfig } from './vision-config';

type Patching = Pick<VisionConfig, 'family' | 'patchSize' | 'stride'>;

/** Rows (or columns) of patches that a model makes of so many pixels; less than 1 where not even one fits. */
export function patchesAlong({ family, patchSize, stride }: Patching, pixels: number): number {
  if (family === 'vim') return Math.floor((pixels - patchSize) / stride) + 1;
  // PlainMamba's first convolution halves the image, and patches of what it made are filled up with zeros.
  return Math.ceil(Math.ceil(pixels / 2) / (patchSize / 2));
}

/** Rows and columns of patches of an image. */
export function patchGrid(
  config: Patching,
  height: number,
  width: number,
): { rows: number; columns: number } {
  return { rows: patchesAlong(config, height), columns: patchesAlong(config, width) };
}

/** Tokens of so many patches: ViM has its class token besides. */
export function tokensOf({ family }: Pick<VisionConfig, 'family'>, patches: number): number {
  return family === 'vim' ? patches + 1 : patches;
}

/** Where the class token stands among an image's tokens: in the middle. PlainMamba has none. */
export function classPosition({ family }: Pick<VisionConfig, 'family'>, tokens: number): number | undefined {
  return family === 'vim' ? Math.floor((tokens - 1) / 2) : undefined;
}
