import { mismatch } from '../errors';
import { blank, colourBar, hatching, heatMap, maskedImage, paste } from './canvas';
import { checkRgbImage, type RgbImage } from './image';
import { type PatchGrid, patchCells } from './patches';
import { shorten, type Text } from './text-layer';

/** What a model kept of an image, to be drawn. Patches are numbered in raster order. */
export type Explanation = {
  /** The image as the model saw it: at its size, cropped. */
  readonly image: RgbImage;
  readonly patches: PatchGrid;
  readonly reductions: readonly ExplainedReduction[];
  /** Above the image, such as what the model says that it is. */
  readonly caption?: string;
};

export type ExplainedReduction = {
  /** The patches that stay. */
  readonly kept: ArrayLike<number>;
  /** The patches that were there before, and the score of each. */
  readonly importance?: { readonly patches: ArrayLike<number>; readonly scores: ArrayLike<number> };
  /** Above the panel, such as `after layer 5: 157 of 196`. */
  readonly caption?: string;
};

const margin = 12;
const captionHeight = 24;
const legendHeight = 14;

/** Panels and the words around them: the image, what each reduction left of it, and below that the scores. */
export function composeFigure(
  { image, patches, caption, reductions }: Explanation,
  /** The image at `scale` times its size. */
  panel: RgbImage,
  scale: number,
): { canvas: RgbImage; texts: Text[] } {
  const { width, height } = panel;
  const cells = patchCells(patches, image.width, image.height, scale);
  const captions = [caption, ...reductions.map((reduction) => reduction.caption)];
  const hasHeat = reductions.some(({ importance }) => importance);
  const top = margin + (captions.some(Boolean) ? captionHeight : 0);
  const below = top + height + margin;
  const left = (column: number) => margin + column * (width + margin);
  const canvas = blank(left(1 + reductions.length), hasHeat ? below + height + margin : below);

  const texts: Text[] = [];
  for (const [column, words] of captions.entries()) {
    if (words) texts.push({ x: left(column), y: top - 9, text: shorten(words, width) });
  }
  paste(canvas, panel, left(0), top);
  for (const [j, { kept, importance }] of reductions.entries()) {
    paste(canvas, maskedImage(panel, cells, new Set(Array.from(kept))), left(j + 1), top);
    if (!importance) continue;
    const heat = heatMap(width, height, cells, importance.patches, importance.scores);
    paste(canvas, heat, left(j + 1), below);
  }
  if (hasHeat) texts.push(...drawLegend(canvas, left(0), below, width));
  return { canvas, texts };
}

/** What the colours of the heat maps mean, in the space under the image. */
function drawLegend(canvas: RgbImage, left: number, top: number, width: number): Text[] {
  const bar = top + captionHeight;
  const sample = bar + legendHeight + 2 * captionHeight;
  paste(canvas, colourBar(width, legendHeight), left, bar);
  paste(canvas, hatching(2 * legendHeight, legendHeight), left, sample);
  return [
    { x: left, y: bar - 8, text: 'importance' },
    { x: left, y: bar + legendHeight + 16, text: 'low' },
    { x: left + width, y: bar + legendHeight + 16, text: 'high', anchor: 'end' },
    { x: left + 2 * legendHeight + 8, y: sample + 12, text: 'gone before' },
  ];
}

/** @throws SkipscanError `ERR_ARGUMENT` for patches that are not in the grid. */
export function checkExplanation({ image, patches, reductions }: Explanation): void {
  checkRgbImage(image, 'image');
  const count = patches.rows * patches.columns;
  for (const [j, { kept, importance }] of reductions.entries()) {
    checkPatches(kept, count, `reductions[${j}].kept`);
    if (!importance) continue;
    checkPatches(importance.patches, count, `reductions[${j}].importance.patches`);
    if (importance.scores.length !== importance.patches.length) {
      throw mismatch(
        `reductions[${j}].importance.scores`,
        `one score for each of ${importance.patches.length} patches`,
        `${importance.scores.length}`,
      );
    }
  }
}

function checkPatches(patches: ArrayLike<number>, count: number, name: string): void {
  for (const patch of Array.from(patches)) {
    if (!(Number.isInteger(patch) && patch >= 0 && patch < count)) {
      throw mismatch(name, `patches from 0 to ${count - 1}`, `${patch}`);
    }
  }
}
