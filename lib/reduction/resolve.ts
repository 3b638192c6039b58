import { describe, invalidArgument, SkipscanError, shorten } from '../errors';
import { isVision, type ModelConfig } from '../models/model-config';
import { blockRows, countsAfter, leastKeep, protectedCount } from './counts';
import { policyFromJSON } from './policies';
import type { CountedPolicy, LtmpPolicy, Policy, PolicySettings } from './policy-types';
import { checkConfig, settingsFor } from './settings';

/** A policy met with a model and a prompt. */
export type ResolvedPolicy = {
  /** The policy's settings as they are for this model. */
  readonly settings: PolicySettings;
} & (
  | {
      readonly policy: CountedPolicy;
      /** The keep ratio: the one given, or the one that meets `flopsReduction`. */
      readonly keep: number;
      /** Tokens that are never removed. */
      readonly protectedCount: number;
      /** Tokens after each reduction. */
      readonly counts: readonly number[];
    }
  | {
      readonly policy: LtmpPolicy;
      readonly keep: undefined;
      readonly protectedCount: number;
      /** Known after the prefill only. */
      readonly counts: undefined;
    }
);

/** A policy that can be given a target instead of a keep ratio. */
type TargetPolicy = Exclude<CountedPolicy, { name: 'released-top' }>;

/**
 * Checks a policy's layers against a model and finds its keep ratio for a prompt.
 *
 * `flopsReduction` becomes the largest keep ratio that saves at least that share of the blocks' FLOPs (the head and the
 * reduction's own work do not count). Token counts are whole, so the saving climbs in steps: it lies at or just above the
 * target, by less than one step.
 *
 * @param length tokens of the prompt, or of the chunk of a prompt, that is reduced on its own; or of the image
 * @param start position of its first token
 * @throws SkipscanError `ERR_ARGUMENT` when a layer is not in the model, when the policy is not for such a model, or when the target cannot be reached; the message
 *   then says how much can be.
 */
export function resolvePolicy(
  policy: Policy,
  config: ModelConfig,
  length: number,
  start = 0,
): ResolvedPolicy {
  checkConfig(config);
  const checked = policyFromJSON(policy, 'the reduction');
  if (!Number.isSafeInteger(length) || length < 1) {
    throw invalidArgument('length', 'a whole number of tokens above 0', length);
  }
  checkLayers(checked, config);
  const settings = settingsFor(checked, config, length);
  const protectedTokens = protectedCount(settings, length, start);
  if (checked.name === 'ltmp') {
    return { settings, policy: checked, keep: undefined, protectedCount: protectedTokens, counts: undefined };
  }
  const keep =
    checked.name === 'released-top'
      ? checked.keep
      : (checked.keep ?? solveKeep(checked, config, length, protectedTokens));
  return {
    settings,
    policy: checked,
    keep,
    protectedCount: protectedTokens,
    counts: countsAfter(checked, keep, length, protectedTokens),
  };
}

/**
 * Whether a policy can save as much as it is to on so many tokens; one that is given a keep ratio or thresholds always can.
 *
 * @throws SkipscanError as `resolvePolicy` does, but not when the target cannot be reached
 */
export function canMeet(policy: Policy, config: ModelConfig, length: number): boolean {
  if (!('flopsReduction' in policy) || policy.flopsReduction === undefined) return true;
  checkConfig(config);
  checkLayers(policy, config);
  const protectedTokens = protectedCount(settingsFor(policy, config, length), length);
  return savedAt(leastKeepOf(policy), policy, config, length, protectedTokens) >= policy.flopsReduction;
}

function checkLayers({ name, layers }: Policy, config: ModelConfig): void {
  const outside = layers.find((layer) => layer >= config.layers);
  if (outside === undefined) return;
  throw new SkipscanError(
    'ERR_ARGUMENT',
    `The policy ${name} reduces after layer ${outside}, but the model has ${config.layers} layers: expected 0 to ` +
      `${config.layers - 1}. paperSchedule(config).layers fit the model.`,
  );
}

/** The largest keep ratio that meets the target: fewer kept tokens never cost more, so bisection finds it to the last bit. */
function solveKeep(
  policy: TargetPolicy,
  config: ModelConfig,
  length: number,
  protectedTokens: number,
): number {
  const target = policy.flopsReduction!;
  const saved = (keep: number) => savedAt(keep, policy, config, length, protectedTokens);
  let meets = leastKeepOf(policy);
  if (saved(meets) < target) {
    throw unreachable(policy, config, length, protectedTokens, saved(meets));
  }
  for (let misses = 1; ; ) {
    const middle = (meets + misses) / 2;
    if (middle <= meets || middle >= misses) return meets;
    if (saved(middle) >= target) meets = middle;
    else misses = middle;
  }
}

function leastKeepOf(policy: TargetPolicy): number {
  return Math.max(leastKeep(policy), Number.MIN_VALUE);
}

/** The share of the blocks' FLOPs that a keep ratio saves. */
function savedAt(
  keep: number,
  policy: TargetPolicy,
  config: ModelConfig,
  length: number,
  protectedTokens: number,
): number {
  const all = length * config.layers;
  const counts = countsAfter(policy, keep, length, protectedTokens);
  // One rounding of whole numbers, so that a share that can be met exactly counts as met.
  return (all - blockRows(config.layers, policy.layers, length, counts)) / all;
}

function unreachable(
  policy: TargetPolicy,
  config: ModelConfig,
  length: number,
  protectedTokens: number,
  most: number,
): SkipscanError {
  const asked =
    `The policy ${policy.name} is to save ${describe(policy.flopsReduction)} of the blocks' FLOPs at layers ` +
    `${shorten(policy.layers.join(', '), 200)} of ${config.layers} on ${length} tokens`;
  // Rounded down, so that asking for the number printed works.
  const reachable = Math.floor(most * 1e4) / 1e4;
  const reason =
    length <= protectedTokens
      ? isVision(config)
        ? ', but all of them are protected and nothing can be removed. Protect fewer positions, or leave the reduction out.'
        : `, but all of them are protected (protectLast ${policy.protectLast}) and nothing can be removed. Use a longer prompt ` +
          `or a smaller protectLast, or leave the reduction out.`
      : `, but at most ${reachable} can be saved there. Ask for less, or reduce at earlier or more layers.`;
  return new SkipscanError('ERR_ARGUMENT', asked + reason);
}
