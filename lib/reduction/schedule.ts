import { isVision, type ModelConfig } from '../models/model-config';
import { Options } from './options';
import { flopsReductionOf, prune } from './policies';
import type { PrunePolicy } from './policy-types';
import { checkConfig } from './settings';

/** By the number of layers. Language: arXiv 2410.14725, the 1.3B and 1.4B models, and the 2.7B and 2.8B models. */
const publishedLanguage = [
  { depth: 48, layers: [10, 15, 20, 25, 30, 35] },
  { depth: 64, layers: [12, 17, 22, 27, 32, 37, 42] },
];
/** The public code of arXiv 2409.18962, which counts layers from 1: after 5, 10 and 15. */
const publishedVision = [{ depth: 24, layers: [4, 9, 14] }];

/**
 * After which layers to reduce: those of arXiv 2410.14725 for language models of 48 and 64 layers, those of the code of arXiv
 * 2409.18962 for vision models of 24. Other depths take the schedule of the nearest of them (the shallower one where two are as
 * near) at the same relative depths, rounded down, each layer once; the last layer is left out, as nothing that follows would
 * gain. A model of a single layer has only that one.
 *
 * `utrc({ ...paperSchedule(model.config), flopsReduction: 0.2 })` is the papers' setting.
 */
export function paperSchedule(config: ModelConfig): {
  /** Blocks, counted from 0, rising. */
  layers: number[];
} {
  checkConfig(config);
  const published = isVision(config) ? publishedVision : publishedLanguage;
  const nearest = published.reduce((a, b) =>
    Math.abs(b.depth - config.layers) < Math.abs(a.depth - config.layers) ? b : a,
  );
  const scaled = nearest.layers.map((layer) => Math.floor((layer * config.layers) / nearest.depth));
  const last = Math.max(config.layers - 2, 0);
  return { layers: [...new Set(scaled.map((layer) => Math.min(layer, last)))] };
}

/**
 * The best policy we know for a model, which may change as evidence grows (docs/evidence.md): at the layers of `paperSchedule()`,
 * today `prune` by `state` with the last 32 tokens protected for language models, and `prune` by `novel` for vision models, both
 * without alignment.
 *
 * @param o.flopsReduction the share of the blocks' FLOPs to save
 */
export function recommended(config: ModelConfig, o: { flopsReduction: number }): PrunePolicy {
  const common = {
    ...paperSchedule(config),
    flopsReduction: flopsReductionOf(new Options('recommended()', o, ['flopsReduction'])),
    alignment: 'none',
  } as const;
  return isVision(config)
    ? prune({ ...common, importance: { metric: 'novel' } })
    : prune({ ...common, importance: { metric: 'state' }, protectLast: 32 });
}
