import { expectTypeOf } from 'expect-type';
import {
  type AmountOptions,
  type CountedOptions,
  type CountedPolicy,
  type Flops,
  flops,
  type LanguageModelConfig,
  type LtmpPolicy,
  ltmp,
  type MergePolicy,
  type ModelConfig,
  merge,
  type Policy,
  type PolicyMetric,
  type PrunePolicy,
  type PublishedFlops,
  paperSchedule,
  prune,
  publishedFlops,
  type RandomPolicy,
  type RecentPolicy,
  type ReleasedTopPolicy,
  type ReleasedUtrcPolicy,
  random,
  recent,
  recommended,
  releasedTop,
  releasedUtrc,
  type UniformPolicy,
  type UtrcPolicy,
  uniform,
  utrc,
  type VisionConfig,
  type VisionFlops,
} from 'skipscan';

declare const language: LanguageModelConfig;
declare const vision: VisionConfig;
declare const policy: Policy;

// ---- exactly one of keep and flopsReduction
expectTypeOf<{ keep: number }>().toExtend<AmountOptions>();
expectTypeOf<{ flopsReduction: number }>().toExtend<AmountOptions>();
expectTypeOf<{ keep: number; flopsReduction: undefined }>().toExtend<AmountOptions>();
expectTypeOf<{ keep: number; flopsReduction: number }>().not.toExtend<AmountOptions>();
expectTypeOf<object>().not.toExtend<AmountOptions>();
// @ts-expect-error both
prune({ layers: [1], keep: 0.5, flopsReduction: 0.2 });
// @ts-expect-error neither
prune({ layers: [1] });
// @ts-expect-error neither
utrc({ ...paperSchedule(language) });
// @ts-expect-error no layers
merge({ keep: 0.5 });

// ---- what makers return
const some = { layers: [1, 3], keep: 0.7 } as const;
expectTypeOf(utrc(some)).toEqualTypeOf<UtrcPolicy>();
expectTypeOf(prune(some)).toEqualTypeOf<PrunePolicy>();
expectTypeOf(merge(some)).toEqualTypeOf<MergePolicy>();
expectTypeOf(uniform(some)).toEqualTypeOf<UniformPolicy>();
expectTypeOf(random({ ...some, seed: 3 })).toEqualTypeOf<RandomPolicy>();
expectTypeOf(recent(some)).toEqualTypeOf<RecentPolicy>();
expectTypeOf(releasedUtrc(some)).toEqualTypeOf<ReleasedUtrcPolicy>();
expectTypeOf(releasedTop({ layers: [4, 9, 14] })).toEqualTypeOf<ReleasedTopPolicy>();
expectTypeOf(ltmp({ layers: [1], pruneBelow: 0.1, mergeAbove: 0.9 })).toEqualTypeOf<LtmpPolicy>();
expectTypeOf<Policy>().toEqualTypeOf<CountedPolicy | LtmpPolicy>();
expectTypeOf<Policy['name']>().toEqualTypeOf<
  'utrc' | 'prune' | 'merge' | 'uniform' | 'random' | 'recent' | 'released-utrc' | 'released-top' | 'ltmp'
>();
if (policy.name === 'prune') expectTypeOf(policy.fuse).toEqualTypeOf<boolean>();
if (policy.name === 'ltmp') expectTypeOf(policy.mergeAbove).toEqualTypeOf<number>();
// @ts-expect-error not every policy has it
policy.fuse;
// @ts-expect-error policies are frozen
prune(some).fuse = true;
// @ts-expect-error so are their lists
prune(some).layers.push(3);

// ---- options: unions, not free strings
expectTypeOf<PolicyMetric>().toEqualTypeOf<
  'clip' | 'l1' | 'l2' | 'sum' | 'delta' | 'state' | 'novel' | 'novel2'
>();
const full: CountedOptions = {
  layers: [1],
  flopsReduction: 0.2,
  importance: { metric: 'state', source: 'ssm' },
  alignment: 'previous',
  conv: 'aligned',
  direction: 'forward',
  protect: [0],
  protectLast: 8,
};
utrc({ ...full, hidden: { q: 0.5 }, residual: { q: 0 }, similarity: 'sum' });
// @ts-expect-error a metric that there is not
prune({ ...some, importance: { metric: 'mean' } });
// @ts-expect-error a tensor that there is not
prune({ ...some, importance: { source: 'input' } });
// @ts-expect-error operators have the alignment 'own', policies do not
prune({ ...some, alignment: 'own' });
// @ts-expect-error an option of utrc
prune({ ...some, hidden: { q: 0.5 } });
// @ts-expect-error thresholds, not counts
ltmp({ layers: [1], keep: 0.5 });

// ---- schedules
expectTypeOf<ModelConfig>().toEqualTypeOf<LanguageModelConfig | VisionConfig>();
expectTypeOf(paperSchedule).toEqualTypeOf<(config: ModelConfig) => { layers: number[] }>();
expectTypeOf(recommended(vision, { flopsReduction: 0.2 })).toEqualTypeOf<PrunePolicy>();
// @ts-expect-error a share is needed
recommended(language);
// @ts-expect-error the config, not its name
paperSchedule('mamba-130m');

// ---- FLOPs: a prompt has a length, an image a size
expectTypeOf(flops(language, { length: 100, reduction: policy })).toEqualTypeOf<Flops>();
expectTypeOf(flops(vision)).toEqualTypeOf<VisionFlops>();
expectTypeOf(flops(vision, { imageSize: [224, 224] })).toEqualTypeOf<VisionFlops>();
// @ts-expect-error a prompt's length is needed
flops(language);
// @ts-expect-error a prompt has no size in pixels
flops(language, { length: 5, imageSize: [224, 224] });
expectTypeOf(publishedFlops(vision)).toEqualTypeOf<PublishedFlops>();
const published = publishedFlops(vision);
if (published.family === 'vim') expectTypeOf(published.oneDirection).toEqualTypeOf<number>();
else expectTypeOf(published.total).toEqualTypeOf<number>();
// @ts-expect-error papers count vision models only
publishedFlops(language);
