export const metrics = ['clip', 'l1', 'l2', 'sum', 'delta', 'state', 'novel', 'novel2'] as const;
/** How a token's importance is measured; docs/reduction.md, section 3. */
export type Metric = (typeof metrics)[number];

export const sources = ['gated', 'ssm', 'block'] as const;
/**
 * Which tensor the importance is read from: what enters `out_proj`, the scan's output before the gate, or the mixer's output.
 * The metrics `delta`, `state`, `novel` and `novel2` have tensors of their own and ignore it.
 */
export type Source = (typeof sources)[number];

export const alignments = ['none', 'next', 'previous'] as const;
/** Whose time step the skipped positions take: nobody's (neighbours become adjacent), the next or the previous kept token's. */
export type PolicyAlignment = (typeof alignments)[number];

export const convolutions = ['compact', 'aligned'] as const;
/**
 * The causal convolution runs over the kept tokens, or over all positions with zeros where tokens were skipped. PlainMamba's
 * convolutions, which are 2-D, see zeros in either case.
 */
export type ConvMode = (typeof convolutions)[number];

export const directions = ['any', 'forward'] as const;
/** Where a token may be merged to: any other, or a later one only. A policy that merges nothing does the same for both. */
export type Direction = (typeof directions)[number];

export const similarities = ['hidden', 'residual', 'sum'] as const;
/** Which branch of the residual stream tokens are compared by. */
export type Similarity = (typeof similarities)[number];

/** Options of every policy. */
export type SharedOptions = {
  /** After which blocks tokens are removed, counted from 0, rising. `paperSchedule(config).layers` are the papers'. */
  layers: readonly number[];
  /** Defaults to `{ metric: 'clip', source: 'gated' }`, the papers' choice. */
  importance?: { metric?: Metric; source?: Source };
  /** Defaults to `'next'`. */
  alignment?: PolicyAlignment;
  /** Defaults to `'compact'`. */
  conv?: ConvMode;
  /** Defaults to `'any'`. */
  direction?: Direction;
  /**
   * Positions that are never removed: of a prompt's tokens, or of an image's, which are its patches in raster order with ViM's
   * class token in the middle (always protected). Those that are not there are ignored. Defaults to none.
   */
  protect?: readonly number[];
  /** How many of a prompt's last tokens are never removed; at least 1, which is the default. Not for vision models. */
  protectLast?: number;
};

/** How much is removed: exactly one of the two. */
export type AmountOptions = {
  /** The share of the tokens that each reduction keeps, above 0 and up to 1. */
  keep?: number;
  /** The share of the blocks' FLOPs to save, between 0 and 1; the keep ratio follows from it, the layers and the prompt. */
  flopsReduction?: number;
};

export type CountedOptions = SharedOptions & AmountOptions;

export type UtrcOptions = CountedOptions & {
  /** The share of the removed tokens that is dropped from the hidden branch; the rest is merged. Defaults to q = 0.5. */
  hidden?: { q?: number };
  /** The same for the residual branch. Defaults to q = 0: merge all. */
  residual?: { q?: number };
  /** Defaults to `'hidden'`. */
  similarity?: Similarity;
};
export type PruneOptions = CountedOptions & {
  /** Adds one token to those kept: the mean of the dropped ones, weighted by importance. Defaults to false. */
  fuse?: boolean;
};
export type MergeOptions = CountedOptions & {
  /** Defaults to `'hidden'`. */
  similarity?: Similarity;
};
export type RandomOptions = CountedOptions & {
  /** A whole number from 0 to 2^53 - 1: the same seed keeps the same positions. Defaults to 0. */
  seed?: number;
};
export type ReleasedTopOptions = {
  /** After which blocks tokens are removed, counted from 0, rising. `paperSchedule(config).layers` are the published code's. */
  layers: readonly number[];
  /** The share of the patches' tokens that each reduction keeps, above 0 and up to 1. Defaults to 0.8. */
  keep?: number;
};
export type LtmpOptions = SharedOptions & {
  /** Tokens of less importance are dropped. */
  pruneBelow: number;
  /** Of what is left, pairs with a larger cosine are merged; from -1 to 1, where 1 merges nothing. */
  mergeAbove: number;
};

/** How tokens are scored and what becomes of the places of those that go. */
export type PolicySettings = {
  readonly importance: { readonly metric: Metric; readonly source: Source };
  readonly alignment: PolicyAlignment;
  readonly conv: ConvMode;
  readonly direction: Direction;
  /** Rising, each position once. */
  readonly protect: readonly number[];
  readonly protectLast: number;
};

/** What every policy says, defaults filled in. Frozen, and plain data: `policyFromJSON()` reads what JSON.stringify() writes. */
type Shared = PolicySettings & { readonly layers: readonly number[] };
/** Has one of the two. */
type Amount = { readonly keep?: number; readonly flopsReduction?: number };

export type UtrcPolicy = Shared &
  Amount & {
    readonly name: 'utrc';
    readonly hidden: { readonly q: number };
    readonly residual: { readonly q: number };
    readonly similarity: Similarity;
  };
export type PrunePolicy = Shared & Amount & { readonly name: 'prune'; readonly fuse: boolean };
export type MergePolicy = Shared & Amount & { readonly name: 'merge'; readonly similarity: Similarity };
export type UniformPolicy = Shared & Amount & { readonly name: 'uniform' };
export type RandomPolicy = Shared & Amount & { readonly name: 'random'; readonly seed: number };
export type RecentPolicy = Shared & Amount & { readonly name: 'recent' };
export type ReleasedUtrcPolicy = Shared & Amount & { readonly name: 'released-utrc' };
/** Everything else is as the published code has it. */
export type ReleasedTopPolicy = {
  readonly name: 'released-top';
  readonly layers: readonly number[];
  readonly keep: number;
};
export type LtmpPolicy = Shared & {
  readonly name: 'ltmp';
  readonly pruneBelow: number;
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
