import { describe, invalidArgument } from '../errors';
import { halfAtLeast } from './counts';
import { Options } from './options';
import {
  alignments,
  type CountedOptions,
  convolutions,
  directions,
  type LtmpOptions,
  type LtmpPolicy,
  type MergeOptions,
  type MergePolicy,
  metrics,
  type Policy,
  type PruneOptions,
  type PrunePolicy,
  type RandomOptions,
  type RandomPolicy,
  type RecentPolicy,
  type ReleasedTopOptions,
  type ReleasedTopPolicy,
  type ReleasedUtrcPolicy,
  type SharedOptions,
  similarities,
  sources,
  type UniformPolicy,
  type UtrcOptions,
  type UtrcPolicy,
} from './policy-types';

// What the policies do is told in docs/reduction.md, section 5. Each maker throws a SkipscanError (ERR_ARGUMENT) on an option
// that it does not have or cannot use; whether the layers fit a model is checked when the policy meets one.

/**
 * Unified token reduction (arXiv 2410.14725): the less important half of the tokens is matched with the more important half,
 * and those with the closest match are partly dropped, partly merged into it. Removes at most half of the tokens at a time.
 */
export function utrc(o: UtrcOptions): UtrcPolicy {
  const options = new Options('utrc()', o, [...counted, 'hidden', 'residual', 'similarity']);
  return freeze({
    name: 'utrc',
    ...sharedPart(options),
    ...amountPart(options, halfAtLeast),
    hidden: { q: shareDropped(options, 'hidden', 0.5) },
    residual: { q: shareDropped(options, 'residual', 0) },
    similarity: options.choice('similarity', similarities, 'hidden'),
  });
}

/** Keeps the most important tokens (arXiv 2409.18962; with `alignment: 'none'`, as EViT does). */
export function prune(o: PruneOptions): PrunePolicy {
  const options = new Options('prune()', o, [...counted, 'fuse']);
  return freeze({
    name: 'prune',
    ...sharedPart(options),
    ...amountPart(options),
    fuse: options.flag('fuse', false),
  });
}

/**
 * Merges every other token into its most similar neighbour in the other half, the closest pairs first (ToMe, PuMer). Removes
 * at most half of the tokens at a time.
 */
export function merge(o: MergeOptions): MergePolicy {
  const options = new Options('merge()', o, [...counted, 'similarity']);
  return freeze({
    name: 'merge',
    ...sharedPart(options),
    ...amountPart(options, halfAtLeast),
    similarity: options.choice('similarity', similarities, 'hidden'),
  });
}

/** A control: keeps evenly spaced tokens. */
export function uniform(o: CountedOptions): UniformPolicy {
  const options = new Options('uniform()', o, counted);
  return freeze({ name: 'uniform', ...sharedPart(options), ...amountPart(options) });
}

/** A control: keeps positions drawn by a hash of the seed, the layer and the position. */
export function random(o: RandomOptions): RandomPolicy {
  const options = new Options('random()', o, [...counted, 'seed']);
  return freeze({
    name: 'random',
    ...sharedPart(options),
    ...amountPart(options),
    seed: options.whole('seed', 0, 0),
  });
}

/** A control: drops the oldest tokens. */
export function recent(o: CountedOptions): RecentPolicy {
  const options = new Options('recent()', o, counted);
  return freeze({ name: 'recent', ...sharedPart(options), ...amountPart(options) });
}

/**
 * A control: what the public code of arXiv 2410.14725 computes, which thins the oldest tokens whatever they hold. Removes at
 * most half of the tokens at a time.
 */
export function releasedUtrc(o: CountedOptions): ReleasedUtrcPolicy {
  const options = new Options('releasedUtrc()', o, counted);
  const shared = sharedPart(options);
  if (shared.direction === 'forward') {
    throw options.fail(
      'direction',
      "'any'",
      "'forward'",
      'It folds tokens into an earlier one, as the published code does.',
    );
  }
  return freeze({ name: 'released-utrc', ...shared, ...amountPart(options, halfAtLeast) });
}

/**
 * A control for ViM: what the public code of ToP-ViM (arXiv 2409.18962) computes, which is not what its text says. Its scores are in
 * the order of the backward scan and are not turned round, the class token moves to the middle of the tokens kept, and nothing is
 * aligned. That code keeps 0.8 after layers 4, 9 and 14, `paperSchedule(config).layers`.
 */
export function releasedTop(o: ReleasedTopOptions): ReleasedTopPolicy {
  const options = new Options('releasedTop()', o, ['layers', 'keep']);
  return freeze({ name: 'released-top', layers: layersOf(options), keep: keepOf(options, 0.8) });
}

/** Thresholds instead of counts: how many tokens stay depends on the prompt. */
export function ltmp(o: LtmpOptions): LtmpPolicy {
  const options = new Options('ltmp()', o, [...shared, 'pruneBelow', 'mergeAbove']);
  return freeze({
    name: 'ltmp',
    ...sharedPart(options),
    pruneBelow: options.number('pruneBelow', 'a finite number', Number.isFinite),
    mergeAbove: options.number('mergeAbove', 'a cosine from -1 to 1', (x) => x >= -1 && x <= 1),
  });
}

const makers = {
  utrc,
  prune,
  merge,
  uniform,
  random,
  recent,
  'released-utrc': releasedUtrc,
  'released-top': releasedTop,
  ltmp,
} satisfies Record<Policy['name'], (o: never) => Policy>;

export const policyNames = Object.keys(makers) as readonly Policy['name'][];

/**
 * The policy that plain data describes: `{ name, ...options }` as JSON.stringify() writes a policy, with the same checks and
 * defaults as the function of that name.
 *
 * @param label what the caller calls the value, for errors
 */
export function policyFromJSON(json: unknown, label = 'the policy'): Policy {
  const expected = 'one made by utrc(), prune(), merge() or another policy function';
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw invalidArgument(label, expected, json);
  }
  const { name, ...options } = json as { name?: unknown };
  const make = policyNames.find((known) => known === name);
  if (make === undefined) {
    throw invalidArgument(`name of ${label}`, `one of '${policyNames.join("', '")}'`, name);
  }
  return makers[make](options as never);
}

const shared: readonly (keyof SharedOptions)[] = [
  'layers',
  'importance',
  'alignment',
  'conv',
  'direction',
  'protect',
  'protectLast',
];
const counted: readonly (keyof CountedOptions)[] = [...shared, 'keep', 'flopsReduction'];

function sharedPart(options: Options) {
  const importance = options.within('importance', ['metric', 'source']);
  return {
    layers: layersOf(options),
    importance: {
      metric: importance.choice('metric', metrics, 'clip'),
      source: importance.choice('source', sources, 'gated'),
    },
    alignment: options.choice('alignment', alignments, 'next'),
    conv: options.choice('conv', convolutions, 'compact'),
    direction: options.choice('direction', directions, 'any'),
    protect: [...new Set(options.wholeNumbers('protect', 'positions', []))].sort((a, b) => a - b),
    // The last token stays in any case: its logits are what a prefill is for.
    protectLast: options.whole('protectLast', 1, 1),
  };
}

function layersOf(options: Options): number[] {
  const layers = options.wholeNumbers('layers', 'layers, counted from 0,');
  if (layers.length === 0) {
    throw options.fail('layers', 'at least one layer', 'none', 'paperSchedule(config).layers fit any model.');
  }
  const at = layers.findIndex((layer, i) => i > 0 && layer <= layers[i - 1]);
  if (at > 0) {
    const [before, layer] = [layers[at - 1], layers[at]];
    throw layer === before
      ? options.fail('layers', 'each layer once', `layer ${layer} twice`, 'Remove the repetition.')
      : options.fail('layers', 'rising layers', `${layer} after ${before}`, 'Sort them.');
  }
  return layers;
}

function amountPart(options: Options, leastKeep = 0): { keep: number } | { flopsReduction: number } {
  const both = options.has('keep') && options.has('flopsReduction');
  if (both || (!options.has('keep') && !options.has('flopsReduction'))) {
    throw options.fail(
      'keep or flopsReduction',
      'exactly one',
      both ? 'both' : 'neither',
      'Give keep, the share of the tokens that each reduction keeps, or flopsReduction, the share of FLOPs to save.',
    );
  }
  if (!options.has('keep')) return { flopsReduction: flopsReductionOf(options) };
  const keep = keepOf(options);
  if (keep < leastKeep) {
    throw options.fail(
      'keep',
      `at least ${leastKeep}`,
      describe(keep),
      'It removes at most half of the tokens at each reduction; reduce at more layers instead.',
    );
  }
  return { keep };
}

function keepOf(options: Options, byDefault?: number): number {
  return options.number('keep', 'a number above 0 and up to 1', (x) => x > 0 && x <= 1, byDefault);
}

/** @internal The option `flopsReduction`. */
export function flopsReductionOf(options: Options): number {
  const expected = 'a number above 0 and below 1, the share of FLOPs to save,';
  return options.number('flopsReduction', expected, (x) => x > 0 && x < 1);
}

function shareDropped(options: Options, branch: 'hidden' | 'residual', byDefault: number): number {
  return options
    .within(branch, ['q'])
    .number('q', 'a number from 0 to 1, the share that is dropped,', (x) => x >= 0 && x <= 1, byDefault);
}

function freeze<P extends Policy>(policy: P): P {
  for (const value of Object.values(policy)) Object.freeze(value);
  return Object.freeze(policy);
}
