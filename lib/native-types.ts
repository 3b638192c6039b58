import type { NativeDepthwiseConv2d, NativeImagePatches, NativeScanPaths } from './native-grid-types';
import type { NativeImages } from './native-image-types';
import type { NativeModels } from './native-model-types';
import type { NativeReduceTokens, NativeSelectTokens, NativeTokenImportance } from './native-reduction-types';
import type { NativeDeviceArray, NativeMemory, NativeSystem } from './native-system-types';

/** The addon's surface, as csrc/binding exports it. */
export type Native = NativeSystem & NativeMemory & NativeOps & NativeModels & NativeImages;

// ---- operators: the params structs of csrc/ops, with their shapes

export type NativeOps = {
  /**
   * Runs one operator on the memory of the arrays in `params` and resolves with the route it took, such as `avx512` or
   * `cuda/chunked`. Host arrays must stay attached until then. `device` defaults to the CPU; there, `backend` defaults to the
   * chosen one and `threads` to those of the machine.
   *
   * On a CUDA device, all floats and all outputs are arrays of that device; whole numbers that are read may be host arrays.
   */
  runOp<Name extends keyof NativeOpParams>(
    name: Name,
    params: NativeOpParams[Name],
    options: { device?: string; backend?: string; activations?: 'f32' | 'bf16'; threads?: number },
  ): Promise<string>;
};

export type NativeOpParams = {
  embedding: NativeEmbedding;
  linear: NativeLinear;
  rms_norm: NativeRmsNorm;
  gated_rms_norm: NativeGatedRmsNorm;
  causal_conv: NativeCausalConv;
  selective_scan: NativeSelectiveScan;
  ssd_scan: NativeSsdScan;
  token_importance: NativeTokenImportance;
  select_tokens: NativeSelectTokens;
  reduce_tokens: NativeReduceTokens;
  selective_state_importance: NativeSelectiveStateImportance;
  ssd_state_importance: NativeSsdStateImportance;
  token_logprobs: NativeTokenLogprobs;
  depthwise_conv2d: NativeDepthwiseConv2d;
  image_patches: NativeImagePatches;
  scan_paths: NativeScanPaths;
  layer_norm: NativeLayerNorm;
  mean_rows: NativeMeanRows;
  add_rows: NativeAddRows;
};

/** Float32 in memory of the CPU. On a device, the headers in csrc/ops say which of them may have another dtype. */
export type NativeFloats = Float32Array | NativeDeviceArray;
/** Whole numbers that are written; those that are read may be on the host wherever an operator runs. */
export type NativeInts = Int32Array | NativeDeviceArray;

/** Bits of bf16 and f16, values of f32. */
export type NativeWeight = Float32Array | Uint16Array | NativeDeviceArray;
export type NativeWeightDtype = 'f32' | 'bf16' | 'f16';

export type NativePath = { index: Int32Array; paramIndex: Int32Array; gap: Int32Array; offsets: Int32Array };
export type NativeAlignment = 'none' | 'next' | 'previous' | 'own';

/** `out[i] = table[ids[i]]` */
export type NativeEmbedding = {
  rows: number;
  vocabulary: number;
  dim: number;
  ids: Int32Array;
  table: NativeWeight;
  /** i8, with `tablePacked`: float32 entries are rounded to it. */
  tableDtype: NativeWeightDtype | 'i8';
  /** Put the table into the backend's panels first, as models are. */
  tablePacked?: boolean;
  out: NativeFloats;
};

/** `y = x * weight^T + bias`; a stride is the distance between two rows and defaults to their width. */
export type NativeLinear = {
  rows: number;
  inputs: number;
  outputs: number;
  x: NativeFloats;
  xStride?: number;
  weight: NativeWeight;
  /** i8, with `weightPacked`: float32 weights are rounded to it. */
  weightDtype: NativeWeightDtype | 'i8';
  /** Put the weight into the backend's panels first, as models are. */
  weightPacked?: boolean;
  bias?: NativeFloats;
  y: NativeFloats;
  yStride?: number;
};

export type NativeRmsNorm = {
  rows: number;
  dim: number;
  /** The row of `x` and of `residualIn` that each row of the outputs is made from; they then have `inputRows` rows. */
  index?: Int32Array;
  inputRows?: number;
  x: NativeFloats;
  residualIn?: NativeFloats;
  weight: NativeFloats;
  residualOut?: NativeFloats;
  out: NativeFloats;
  eps: number;
};

export type NativeGatedRmsNorm = {
  rows: number;
  dim: number;
  groupSize: number;
  y: NativeFloats;
  z: NativeFloats;
  zStride?: number;
  weight: NativeFloats;
  out: NativeFloats;
  eps: number;
  normBeforeGate: boolean;
  /** `[rows]` scores of the results; `metric` comes with it. */
  importance?: NativeFloats;
  metric?: 'clip' | 'l1' | 'l2' | 'sum';
};

export type NativeCausalConv = {
  rows: number;
  channels: number;
  /** 1 to 16. */
  width: number;
  path: NativePath;
  x: NativeFloats;
  xStride?: number;
  /** `[width, channels]` */
  weight: NativeFloats;
  bias?: NativeFloats;
  /** `[sequences, width, channels]`, and so is `stateOut`. */
  stateIn?: NativeFloats;
  stateOut?: NativeFloats;
  y: NativeFloats;
  yStride?: number;
  mode: 'compact' | 'aligned';
  silu: boolean;
};

/** Scores that a scan makes on the way. */
export type NativeScanScores = {
  /** `[rows]`; only those on the path are written. `metric` and `source` come with it. */
  importance?: NativeFloats;
  metric?: 'clip' | 'l1' | 'l2' | 'sum' | 'delta';
  source?: 'gated' | 'ssm';
};

export type NativeSelectiveScan = NativeScanScores & {
  rows: number;
  channels: number;
  dState: number;
  groups: number;
  path: NativePath;
  u: NativeFloats;
  uStride?: number;
  delta: NativeFloats;
  deltaStride?: number;
  A: NativeFloats;
  /** `[rows, groups, dState]`, and so is `C`. */
  B: NativeFloats;
  BStride?: number;
  C: NativeFloats;
  CStride?: number;
  D?: NativeFloats;
  z?: NativeFloats;
  zStride?: number;
  dtBias?: NativeFloats;
  /** `[steps, channels]`, for `own` only. */
  skippedDt?: NativeFloats;
  /** `[sequences, channels, dState]`, and so is `stateOut`. */
  stateIn?: NativeFloats;
  stateOut?: NativeFloats;
  y: NativeFloats;
  yStride?: number;
  /** Like `y`: the sum of earlier scans over the same rows, added before the gate; may be `y`, which is not `u` then. */
  yIn?: NativeFloats;
  /** Factor of the sum, before the gate; 1 by default. */
  yScale?: number;
  /** `[rows]`, with the metric delta: scores are the means of these and of the scan's own; may be `importance`. */
  importanceIn?: NativeFloats;
  alignment: NativeAlignment;
  softplus: boolean;
};

export type NativeSsdScan = NativeScanScores & {
  rows: number;
  heads: number;
  headDim: number;
  groups: number;
  dState: number;
  path: NativePath;
  x: NativeFloats;
  xStride?: number;
  dt: NativeFloats;
  dtStride?: number;
  A: NativeFloats;
  /** `[rows, groups, dState]`, and so is `C`. */
  B: NativeFloats;
  BStride?: number;
  C: NativeFloats;
  CStride?: number;
  /** `[heads]`, or `[heads, headDim]` with `DPerChannel`. */
  D?: NativeFloats;
  DPerChannel: boolean;
  z?: NativeFloats;
  zStride?: number;
  dtBias?: NativeFloats;
  dtMin: number;
  dtMax: number;
  /** `[steps, heads]`, for `own` only. */
  skippedDt?: NativeFloats;
  /** `[sequences, heads, headDim, dState]`, and so is `stateOut`. */
  stateIn?: NativeFloats;
  stateOut?: NativeFloats;
  y: NativeFloats;
  yStride?: number;
  alignment: NativeAlignment;
  softplus: boolean;
};

/** `logprobs` comes with `tokens`. Where a row has no right answer they are NaN, and -1. */
export type NativeTokenLogprobs = {
  rows: number;
  vocabulary: number;
  logits: NativeFloats;
  logitsStride?: number;
  tokens?: Int32Array;
  logprobs?: NativeFloats;
  best?: NativeInts;
};

export type NativeLayerNorm = {
  rows: number;
  dim: number;
  x: NativeFloats;
  residualIn?: NativeFloats;
  weight: NativeFloats;
  bias: NativeFloats;
  residualOut?: NativeFloats;
  out: NativeFloats;
  eps: number;
};

/** Means of the rows of each sequence, `[sequences, dim]`; `offsets` cuts the rows into sequences. */
export type NativeMeanRows = {
  dim: number;
  offsets: Int32Array;
  x: NativeFloats;
  out: NativeFloats;
};

/** `out[i] = x[i] + table[ids[i]]` */
export type NativeAddRows = {
  rows: number;
  dim: number;
  entries: number;
  x: NativeFloats;
  xStride?: number;
  table: NativeFloats;
  ids: Int32Array;
  out: NativeFloats;
};

/** What a scan was given and returned, as far as its tokens' shares in the final state follow from it. */
export type NativeSelectiveStateImportance = Omit<NativeSelectiveScan, NotInShares> & NativeShares;
export type NativeSsdStateImportance = Omit<NativeSsdScan, NotInShares | 'DPerChannel'> & NativeShares;

type NotInShares =
  | keyof NativeScanScores
  | ('C' | 'CStride' | 'D' | 'z' | 'zStride' | 'stateIn' | 'stateOut' | 'y' | 'yStride')
  | ('yIn' | 'yScale' | 'importanceIn');
type NativeShares = {
  /** The scan's `stateOut`. */
  state: NativeFloats;
  /** `[rows]`; only those on the path are written. */
  scores: NativeFloats;
};
