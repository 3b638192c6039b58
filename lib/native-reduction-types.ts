// The part of the addon's operators that scores, selects and reduces tokens.

import type { NativeFloats, NativeInts } from './native-types';

/** Scores of rows of x + added; `offsets` cuts the rows into sequences. */
export type NativeTokenImportance = {
  channels: number;
  offsets: Int32Array;
  x: NativeFloats;
  xStride?: number;
  added?: NativeFloats;
  addedStride?: number;
  metric: 'clip' | 'l1' | 'l2' | 'sum' | 'novel' | 'novel2';
  scores: NativeFloats;
};

export type NativeReductionPolicy =
  | 'utrc'
  | 'prune'
  | 'merge'
  | 'ltmp'
  | 'uniform'
  | 'random'
  | 'recent'
  | 'released-utrc';

/** What a policy does not ask for is not read; its numbers are there all the same. */
export type NativeSelectTokens = {
  offsets: Int32Array;
  /** For utrc, prune and ltmp. */
  scores?: NativeFloats;
  /** `[rows, dim]`, and so is `addedFeatures`: for utrc, merge and ltmp. */
  features?: NativeFloats;
  addedFeatures?: NativeFloats;
  dim?: number;
  /** For random. */
  positions?: Int32Array;
  /** 1 for the rows that stay as they are. */
  protected?: Int32Array;
  sizes?: Int32Array;
  policy: NativeReductionPolicy;
  /** Of every sequence. */
  keep: number;
  qHidden: number;
  qResidual: number;
  pruneBelow: number;
  mergeAbove: number;
  seed: number;
  layer: number;
  fuse: boolean;
  forward: boolean;
  /** `[rows]`, of which the first `keptOffsets[sequences]` are written; and so is `keptSizes`. */
  kept: NativeInts;
  keptSizes: NativeInts;
  /** `[sequences + 1]` */
  keptOffsets: NativeInts;
  /** `[rows]`, and so are `destResidual` and `weights`. */
  destHidden: NativeInts;
  destResidual: NativeInts;
  weights: NativeFloats;
};

/** The outputs may be the inputs. */
export type NativeReduceTokens = {
  rows: number;
  keptRows: number;
  dim: number;
  hidden: NativeFloats;
  residual?: NativeFloats;
  destHidden: Int32Array;
  destResidual?: Int32Array;
  weights: NativeFloats;
  kept: Int32Array;
  hiddenOut: NativeFloats;
  residualOut?: NativeFloats;
  /** `[rows]`, with all that follow: what describes the rows of packed sequences. */
  positions?: Int32Array;
  /** `[rows]` */
  protected?: Int32Array;
  /** `[sequences + 1]`: how `kept` is cut into sequences. */
  keptOffsets?: Int32Array;
  /** The position of every sequence's first token, kept or not. */
  start?: number;
  /** `[keptRows]`, and so are `protectedOut` and `gapOut`; not the inputs. */
  positionsOut?: NativeInts;
  protectedOut?: NativeInts;
  /** How many positions each row is after the one before it; the first of a sequence: after `start - 1`. */
  gapOut?: NativeInts;
};
