import { SkipscanError } from '../errors';
import type { Policy } from '../reduction/policy-types';
import { drawExplanation } from '../vision/draw';
import type { ExplainedReduction } from '../vision/figure';
import { evalTransform, normalizeImages } from '../vision/preprocess';
import { topClasses } from './classify';
import type { Kept } from './reduce';
import type { VisionConfig } from './vision-config';
import { classPosition, patchGrid, tokensOf } from './vision-grid';
import { type ImageSource, loadImage } from './vision-images';
import type { VisionModel } from './vision-model';

/** Which reduction is drawn. */
export type ExplainOptions = {
  /** Whose choices are drawn. */
  reduction: Policy;
  /** Stops the work; the call rejects with `signal.reason`. */
  signal?: AbortSignal;
};

/** A picture of what a reduction keeps. */
export type Explanation = {
  /** A PNG: the image as the model saw it, and for each reduction what it left of it, and the scores it went by. */
  png: Uint8Array;
};

/** @internal `VisionModel.explain`. */
export async function explain(
  model: VisionModel,
  image: ImageSource,
  { reduction, signal }: ExplainOptions = {} as ExplainOptions,
): Promise<Explanation> {
  model.assertOpen();
  if (reduction === undefined) {
    throw new SkipscanError(
      'ERR_ARGUMENT',
      'Expected a reduction for explain(), which draws the tokens that one drops, but received none. Pass one such as ' +
        'recommended(model.config, { flopsReduction: 0.2 }).',
    );
  }
  const { config, labels } = model;
  using line = model.calls.reserve();
  const transform = evalTransform(config.imageSize);
  const seen = await loadImage(image, transform);
  signal?.throwIfAborted();
  const { width, height } = seen;
  const pixels = normalizeImages([seen], transform);
  const { logits, kept, scores } = await model.pass(pixels, [1, 3, height, width], {
    reduction,
    signal,
    line,
    scores: true,
  });
  signal?.throwIfAborted();
  const [best] = topClasses(logits, labels, 1);
  const { rows, columns } = patchGrid(config, height, width);
  const png = await drawExplanation({
    image: seen,
    patches: { rows, columns, size: config.patchSize, stride: config.stride },
    caption: `${best.label} (${(100 * best.probability).toFixed(1)} %)`,
    reductions: explainedReductions(config, rows * columns, kept, scores),
  });
  return { png };
}

/**
 * @internal What each reduction of one image had and kept, in patches.
 *
 * @param scores of every reduction, for the rows before it
 */
export function explainedReductions(
  config: VisionConfig,
  patches: number,
  kept: readonly Kept[],
  scores?: readonly Float32Array[],
): ExplainedReduction[] {
  const patchAt = patchNumbers(config, patches);
  let before = Array.from({ length: tokensOf(config, patches) }, (_, position) => position);
  return kept.map(({ layer, positions }, j) => {
    const had = before;
    before = [...positions];
    const patchesBefore = numbersOf(had.map(patchAt));
    const patchesKept = numbersOf(before.map(patchAt));
    return {
      kept: patchesKept,
      importance: scores?.[j] && {
        patches: patchesBefore,
        scores: had.flatMap((position, row) => (patchAt(position) === undefined ? [] : [scores[j][row]])),
      },
      caption: `after layer ${layer}: ${patchesKept.length} of ${patchesBefore.length}`,
    };
  });
}

/** The number of the patch at a position, in raster order; the class token is none. */
function patchNumbers(config: VisionConfig, patches: number): (position: number) => number | undefined {
  const middle = classPosition(config, tokensOf(config, patches));
  return (position) => {
    if (middle === undefined || position < middle) return position;
    return position === middle ? undefined : position - 1;
  };
}

function numbersOf(patches: (number | undefined)[]): number[] {
  return patches.filter((patch) => patch !== undefined);
}
