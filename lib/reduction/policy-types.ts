/** How a token's importance is measured; docs/reduction.md, section 3. */
export type PolicyMetric = 'clip' | 'l1' | 'l2' | 'sum' | 'delta' | 'state' | 'novel' | 'novel2';
/** All of them. */
export const metrics: readonly PolicyMetric[] = [
  'clip',
  'l1',
  'l2',
  'sum',
  'delta',
  'state',
  'novel',
  'novel2',
];

/**
 * Which tensor the importance is read from: what enters `out_proj`, the scan's output before the gate, or the mixer's output.
 * The metrics `delta`, `state`, `novel` and `novel2` have tensors of their own and ignore it.
 */
export type PolicySource = 'gated' | 'ssm' | 'block';
/** All of them. */
export const sources: readonly PolicySource[] = ['gated', 'ssm', 'block'];

/** Whose time step the skipped positions take: nobody's (neighbours become adjacent), the next or the previous kept token's. */
export type PolicyAlignment = 'none' | 'next' | 'previous';
/** All of them. */
export const alignments: readonly PolicyAlignment[] = ['none', 'next', 'previous'];

/**
 * The causal convolution runs over the kept tokens, or over all positions with zeros where tokens were skipped. PlainMamba's
 * convolutions, which are 2-D, see zeros in either case.
 */
export type ConvMode = 'compact' | 'aligned';
/** All of them. */
export const convolutions: readonly ConvMode[] = ['compact', 'aligned'];

/** Where a token may be merged to: any other, or a later one only. A policy that merges nothing does the same for both. */
export type MergeDirection = 'any' | 'forward';
/** All of them. */
export const directions: readonly MergeDirection[] = ['any', 'forward'];

/** Which branch of the residual stream tokens are compared by. */
export type Similarity = 'hidden' | 'residual' | 'sum';
/** All of them. */
export const similarities: readonly Similarity[] = ['hidden', 'residual', 'sum'];

/** Options of every policy. */
export type SharedOptions = {
  /** After which blocks tokens are removed, counted from 0, rising. `paperSchedule(config).layers` are the papers'. */
  layers: readonly number[];
  /** Defaults to `{ metric: 'clip', source: 'gated' }`, the papers' choice. */
  importance?: {
    /** Defaults to `'clip'`. */
    metric?: PolicyMetric;
    /** Defaults to `'gated'`. */
    source?: PolicySource;
  };
  /** Defaults to `'next'`. */
  alignment?: PolicyAlignment;
  /** Defaults to `'compact'`. */
  conv?: ConvMode;
  /** Defaults to `'any'`. */
  direction?: MergeDirection;
  /**
   * Positions that are never removed: of a prompt's tokens, or of an image's, which are its patches in raster order with ViM's
   * class token in the middle (always protected). Those that are not there are ignored. Defaults to none.
   */
  protect?: readonly number[];
  /** How many of a prompt's last tokens are never removed; at least 1, which is the default. Not for vision models. */
  protectLast?: number;
};

/** How much is removed: exactly one of the two. */
export type AmountOptions =
  | {
      /** The share of the tokens that each reduction keeps, above 0 and up to 1. */
      keep: number;
      /** Not beside `keep`. */
      flopsReduction?: undefined;
    }
  | {
      /** Not beside `flopsReduction`. */
      keep?: undefined;
      /** The share of the blocks' FLOPs to save, between 0 and 1; the keep ratio follows from it, the layers and the prompt. */
      flopsReduction: number;
    };

/** Options of a policy that removes a number of tokens which the length of the prompt decides. */
export type CountedOptions = SharedOptions & AmountOptions;

/** Options of `utrc()`. */
export type UtrcOptions = CountedOptions & {
  /** The share of the removed tokens that is dropped from the hidden branch; the rest is merged. Defaults to q = 0.5. */
  hidden?: {
    /** From 0 to 1. */
    q?: number;
  };
  /** The same for the residual branch. Defaults to q = 0: merge all. */
  residual?: {
    /** From 0 to 1. */
    q?: number;
  };
  /** Defaults to `'hidden'`. */
  similarity?: Similarity;
};
/** Options of `prune()`. */
export type PruneOptions = CountedOptions & {
  /** Adds one token to those kept: the mean of the dropped ones, weighted by importance. Defaults to false. */
  fuse?: boolean;
};
/** Options of `merge()`. */
export type MergeOptions = CountedOptions & {
  /** Defaults to `'hidden'`. */
  similarity?: Similarity;
};
/** Options of `random()`. */
export type RandomOptions = CountedOptions & {
  /** A whole number from 0 to 2^53 - 1: the same seed keeps the same positions. Defaults to 0. */
  seed?: number;
};
/** Options of `releasedTop()`. */
export type ReleasedTopOptions = {
  /** After which blocks tokens are removed, counted from 0, rising. `paperSchedule(config).layers` are the published code's. */
  layers: readonly number[];
  /** The share of the patches' tokens that each reduction keeps, above 0 and up to 1. Defaults to 0.8. */
  keep?: number;
};
/** Options of `ltmp()`. */
export type LtmpOptions = SharedOptions & {
  /** Tokens of less importance are dropped. */
  pruneBelow: number;
  /** Of what is left, pairs with a larger cosine are merged; from -1 to 1, where 1 merges nothing. */
  mergeAbove: number;
};

/** How tokens are scored and what becomes of the places of those that go. */
export type PolicySettings = {
  /** How tokens are scored. */
  readonly importance: {
    /** What of a tensor the score is. */
    readonly metric: PolicyMetric;
    /** Which tensor. */
    readonly source: PolicySource;
  };
  /** Whose time step the skipped positions take. */
  readonly alignment: PolicyAlignment;
  /** What the convolution runs over. */
  readonly conv: ConvMode;
  /** Where a token may be merged to. */
  readonly direction: MergeDirection;
  /** Positions that are never removed: rising, each once. */
  readonly protect: readonly number[];
  /** How many of the last tokens are never removed. */
  readonly protectLast: number;
};

/** What every policy says, defaults filled in. Frozen, and plain data: `policyFromJSON()` reads what JSON.stringify() writes. */
export type PolicyBase = PolicySettings & {
  /** After which blocks tokens are removed, counted from 0, rising. */
  readonly layers: readonly number[];
};
/** How much a policy removes: one of the two, as it was given. */
export type PolicyAmount = {
  /** The share of the tokens that each reduction keeps. */
  readonly keep?: number;
  /** The share of the blocks' FLOPs to save. */
  readonly flopsReduction?: number;
};

/** Made by `utrc()`. */
export type UtrcPolicy = PolicyBase &
  PolicyAmount & {
    /** Which policy it is. */
    readonly name: 'utrc';
    /** Of the hidden branch. */
    readonly hidden: {
      /** The share of the removed tokens that is dropped; the rest is merged. */
      readonly q: number;
    };
    /** Of the residual branch. */
    readonly residual: {
      /** The share of the removed tokens that is dropped; the rest is merged. */
      readonly q: number;
    };
    /** Which branch tokens are compared by. */
    readonly similarity: Similarity;
  };
/** Made by `prune()`. */
export type PrunePolicy = PolicyBase &
  PolicyAmount & {
    /** Which policy it is. */
    readonly name: 'prune';
    /** Whether the mean of the dropped tokens is added. */
    readonly fuse: boolean;
  };
/** Made by `merge()`. */
export type MergePolicy = PolicyBase &
  PolicyAmount & {
    /** Which policy it is. */
    readonly name: 'merge';
    /** Which branch tokens are compared by. */
    readonly similarity: Similarity;
  };
/** Made by `uniform()`. */
export type UniformPolicy = PolicyBase &
  PolicyAmount & {
    /** Which policy it is. */
    readonly name: 'uniform';
  };
/** Made by `random()`. */
export type RandomPolicy = PolicyBase &
  PolicyAmount & {
    /** Which policy it is. */
    readonly name: 'random';
    /** The same seed keeps the same positions. */
    readonly seed: number;
  };
/** Made by `recent()`. */
export type RecentPolicy = PolicyBase &
  PolicyAmount & {
    /** Which policy it is. */
    readonly name: 'recent';
  };
/** Made by `releasedUtrc()`. */
export type ReleasedUtrcPolicy = PolicyBase &
  PolicyAmount & {
    /** Which policy it is. */
    readonly name: 'released-utrc';
  };
/** Made by `releasedTop()`. Everything else is as the published code has it. */
export type ReleasedTopPolicy = {
  /** Which policy it is. */
  readonly name: 'released-top';
  /** After which blocks tokens are removed, counted from 0, rising. */
  readonly layers: readonly number[];
  /** The share of the patches' tokens that each reduction keeps. */
  readonly keep: number;
};
/** Made by `ltmp()`. */
export type LtmpPolicy = PolicyBase & {
  /** Which policy it is. */
  readonly name: 'ltmp';
  /** Tokens of less importance are dropped. */
  readonly pruneBelow: number;
  /** Of what is left, pairs with a larger cosine are merged. */
  readonly mergeAbove: number;
};

/** Policies whose number of kept tokens follows from the number of tokens alone. */
export type CountedPolicy =
  | UtrcPolicy
  | PrunePolicy
  | MergePolicy
  | UniformPolicy
  | RandomPolicy
  | RecentPolicy
  | ReleasedUtrcPolicy
  | ReleasedTopPolicy;

/** Which tokens a pass removes, where, and what becomes of them. Made by `utrc()`, `prune()` and the others. */
export type Policy = CountedPolicy | LtmpPolicy;
