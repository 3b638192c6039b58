import type { LanguageModelConfig } from '../models/config';
import { checkConfig, Options } from './options';
import { flopsReductionOf, prune } from './policies';
import type { PrunePolicy } from './policy-types';

/** The layers of arXiv 2410.14725, by the number of layers: the 1.3B and 1.4B models, and the 2.7B and 2.8B models. */
const published = [
  { depth: 48, layers: [10, 15, 20, 25, 30, 35] },
  { depth: 64, layers: [12, 17, 22, 27, 32, 37, 42] },
];

/**
 * After which layers to reduce: those of arXiv 2410.14725 for models of 48 and 64 layers. Other depths take the schedule of
 * the nearer of the two (the shallower one where both are as near) at the same relative depths, rounded down, each layer once;
 * the last layer is left out, as nothing that follows would gain. A model of a single layer has only that one.
 *
 * `utrc({ ...paperSchedule(model.config), flopsReduction: 0.2 })` is the papers' setting.
 */
export function paperSchedule(config: LanguageModelConfig): { layers: number[] } {
  checkConfig(config);
  const nearest = published.reduce((a, b) =>
    Math.abs(b.depth - config.layers) < Math.abs(a.depth - config.layers) ? b : a,
  );
  const scaled = nearest.layers.map((layer) => Math.floor((layer * config.layers) / nearest.depth));
  const last = Math.max(config.layers - 2, 0);
  return { layers: [...new Set(scaled.map((layer) => Math.min(layer, last)))] };
}

/**
 * The best policy we know for a language model, which may change as evidence grows: today `prune` by `state`, the last 32
 * tokens protected, at the layers of `paperSchedule()`.
 *
 * @param o.flopsReduction the share of the blocks' FLOPs to save
 */
export function recommended(config: LanguageModelConfig, o: { flopsReduction: number }): PrunePolicy {
  return prune({
    ...paperSchedule(config),
    flopsReduction: flopsReductionOf(new Options('recommended()', o, ['flopsReduction'])),
    importance: { metric: 'state' },
    alignment: 'next',
    protectLast: 32,
  });
}
