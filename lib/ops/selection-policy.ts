import { describe, invalidArgument, mismatch } from '../errors';
import type { NativeSelectTokens } from '../native-reduction-types';

/** How many tokens stay. */
export type SelectionCount = {
  /** The share of a sequence's tokens that stays, above 0 and up to 1: `max(ceil(keep * N), protected + 1)` of N. */
  readonly keep?: number;
};
/** Where tokens may be merged to. */
export type SelectionDirection = {
  /** `'forward'`: a token merges only into a later one, so that none sees its future. Defaults to `'any'`. */
  readonly direction?: 'any' | 'forward';
};

/**
 * What is removed, and what becomes of it; docs/reduction.md, section 5. A policy made by `utrc()`, `prune()` and the others is
 * one of these, once it says `keep`: what it says of layers, alignment and importance is the caller's to follow.
 */
export type SelectionPolicy =
  | (SelectionCount &
      SelectionDirection & {
        /** UTRC (arXiv 2410.14725). */
        readonly name: 'utrc';
        /** The share of the removed tokens that is dropped from the hidden branch; the rest is merged. Defaults to q = 0.5. */
        readonly hidden?: {
          /** From 0 to 1. */
          readonly q?: number;
        };
        /** The same for the residual branch. Defaults to q = 0. */
        readonly residual?: {
          /** From 0 to 1. */
          readonly q?: number;
        };
      })
  | (SelectionCount & {
      /** The most important tokens stay. */
      readonly name: 'prune';
      /** Keeps one token more: the mean of the dropped, weighted by their scores where these are above 0. Defaults to false. */
      readonly fuse?: boolean;
    })
  | (SelectionCount &
      SelectionDirection & {
        /** Bipartite merging (arXiv 2210.09461). */
        readonly name: 'merge';
      })
  | (SelectionCount & {
      /** Evenly spaced tokens, the newest ones, or those that the public code of arXiv 2410.14725 keeps. */
      readonly name: 'uniform' | 'recent' | 'released-utrc';
    })
  | (SelectionCount & {
      /** Positions drawn by a hash. */
      readonly name: 'random';
      /** A whole number from 0 to 2^53 - 1. Defaults to 0. */
      readonly seed?: number;
    })
  | (SelectionDirection & {
      /** Thresholds: how many stay depends on the content. */
      readonly name: 'ltmp';
      /** Tokens with a lower score are dropped. */
      readonly pruneBelow: number;
      /** Of the others, every second one that has a larger cosine than this with one of the rest is merged into it. */
      readonly mergeAbove: number;
    });

/** What a policy of any kind can say about a selection. */
type AnyPolicy = {
  name?: SelectionPolicy['name'];
  keep?: unknown;
  hidden?: { q?: unknown };
  residual?: { q?: unknown };
  direction?: unknown;
  fuse?: unknown;
  seed?: unknown;
  pruneBelow?: unknown;
  mergeAbove?: unknown;
};

const own: Record<SelectionPolicy['name'], readonly string[]> = {
  utrc: ['keep', 'hidden', 'residual', 'direction'],
  prune: ['keep', 'fuse'],
  merge: ['keep', 'direction'],
  ltmp: ['pruneBelow', 'mergeAbove', 'direction'],
  uniform: ['keep'],
  random: ['keep', 'seed'],
  recent: ['keep'],
  'released-utrc': ['keep'],
};
/** What the policies of a model have besides. */
const ignored: readonly string[] = [
  'name',
  'layers',
  'flopsReduction',
  'importance',
  'alignment',
  'conv',
  'direction',
  'protect',
  'protectLast',
  'similarity',
];
const label = 'the policy of ops.selectTokens';

type NativePolicy = Pick<
  NativeSelectTokens,
  'policy' | 'keep' | 'qHidden' | 'qResidual' | 'pruneBelow' | 'mergeAbove' | 'seed' | 'fuse' | 'forward'
>;

/** Checks a policy and fills in its defaults. */
export function readSelectionPolicy(policy: SelectionPolicy): NativePolicy {
  if (typeof policy !== 'object' || policy === null) {
    throw invalidArgument(label, "an object such as { name: 'utrc', keep: 0.9 }", policy);
  }
  const given: AnyPolicy = policy;
  const name = choice('name', given.name, Object.keys(own) as (keyof typeof own)[]);
  const unknown = Object.keys(given).find((field) => !own[name].includes(field) && !ignored.includes(field));
  if (unknown) throw mismatch(label, `fields among ${own[name].join(', ')}`, `${unknown} for ${name}`);
  const fields: AnyPolicy = Object.fromEntries(own[name].map((field) => [field, policy[field as never]]));
  const { keep, fuse = false, direction = 'any', seed = 0 } = fields;
  if (typeof fuse !== 'boolean') throw invalidArgument(`fuse of ${label}`, 'true or false', fuse);
  if (!Number.isSafeInteger(seed) || (seed as number) < 0) {
    throw invalidArgument(`seed of ${label}`, 'a whole number from 0 to 2^53 - 1', seed);
  }
  const above0 = (x: number) => x > 0 && x <= 1;
  const finite = (x: number) => Number.isFinite(x);
  const thresholds = name === 'ltmp';
  return {
    policy: name,
    keep: thresholds ? 1 : number('keep', keep, 'a number above 0 and up to 1', above0),
    qHidden: share('hidden', fields.hidden, 0.5),
    qResidual: share('residual', fields.residual, 0),
    pruneBelow: thresholds ? number('pruneBelow', fields.pruneBelow, 'a finite number', finite) : 0,
    mergeAbove: thresholds ? number('mergeAbove', fields.mergeAbove, 'a finite number', finite) : 0,
    seed: seed as number,
    fuse,
    forward: choice('direction', direction, ['any', 'forward']) === 'forward',
  };
}

function choice<Value extends string>(field: string, value: unknown, values: readonly Value[]): Value {
  if (values.includes(value as Value)) return value as Value;
  throw invalidArgument(`${field} of ${label}`, `one of '${values.join("', '")}'`, value);
}

function number(field: string, value: unknown, expected: string, fits: (x: number) => boolean): number {
  if (typeof value === 'number' && fits(value)) return value;
  throw invalidArgument(`${field} of ${label}`, expected, value);
}

function share(branch: string, value: { q?: unknown } | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (typeof value !== 'object' || value === null) {
    throw mismatch(`${branch} of ${label}`, 'an object such as { q: 0.5 }', describe(value));
  }
  const expected = 'a number from 0 to 1, the share that is dropped,';
  return number(`${branch}.q`, value.q ?? byDefault, expected, (x) => x >= 0 && x <= 1);
}
