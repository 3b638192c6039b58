import { flops } from '../reduction/flops';
import type { Policy } from '../reduction/policy-types';
import { countsOf, type Kept } from './reduce';
import type { VisionConfig } from './vision-config';
import type { VisionInput } from './vision-input';

/** Floating-point operations of all images of a call, a multiply-add counted as two, and how long it took. */
export type VisionStats = {
  /** Of what was computed; `flops()` says what counts. */
  flops: number;
  /** Without the reduction. */
  denseFlops: number;
  /** Scoring, comparing and merging tokens; part of `flops`. */
  reductionFlops: number;
  /** Of the pass itself, without waiting for its turn. */
  milliseconds: number;
};

/** @internal */
export function visionStats(
  config: VisionConfig,
  { images, height, width }: VisionInput,
  kept: readonly Kept[],
  reduction?: Policy,
): Omit<VisionStats, 'milliseconds'> {
  const imageSize = [height, width] as const;
  const stats = { flops: 0, denseFlops: images * flops(config, { imageSize }).total, reductionFlops: 0 };
  // Only thresholds keep other numbers of tokens from image to image.
  const kinds = reduction?.name === 'ltmp' ? images : 1;
  for (let image = 0; image < kinds; image += 1) {
    const counts = reduction?.name === 'ltmp' ? countsOf(kept, image) : undefined;
    const work = flops(config, { imageSize, reduction, counts });
    stats.flops += (images / kinds) * work.total;
    stats.reductionFlops += (images / kinds) * work.reduction;
  }
  return stats;
}
