import type { NativeModels } from './native-model-types';

/** The addon's surface, as csrc/binding exports it. */
export type Native = NativeSystem & NativeOps & NativeModels;

// ---- the machine and the build

export type NativeSystem = {
  /**
   * The CPU backends that this machine can run, best first, and the one in use: the best, or what the environment variable
   * `SKIPSCAN_CPU` names. Throws when it names one that is not there.
   */
  cpuBackends(): { available: string[]; chosen: string };
  buildInfo(): NativeBuildInfo;
};

export type NativeBuildInfo = {
  /** Name and version, such as `gcc 12.2.0`. */
  compiler?: string;
  architecture: 'x64' | 'arm64' | 'other';
  /** Version of the C library that the addon was built with; absent with another C library. */
  glibc?: string;
  cuda: boolean;
};

// ---- operators: the params structs of csrc/ops, with their shapes

export type NativeOps = {
  /**
   * Runs one operator on the memory of the arrays in `params` and resolves with the route it took, such as `avx512`. The
   * arrays must stay attached until then. `backend` defaults to the chosen one, `threads` to those of the machine.
   */
  runOp<Name extends keyof NativeOpParams>(
    name: Name,
    params: NativeOpParams[Name],
    options: { backend?: string; threads?: number },
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
};

/** Bits of bf16 and f16, values of f32. */
export type NativeWeight = Float32Array | Uint16Array;
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
  tableDtype: NativeWeightDtype;
  /** Put the table into the backend's panels first, as models are. */
  tablePacked?: boolean;
  out: Float32Array;
};

/** `y = x * weight^T + bias`; a stride is the distance between two rows and defaults to their width. */
export type NativeLinear = {
  rows: number;
  inputs: number;
  outputs: number;
  x: Float32Array;
  xStride?: number;
  weight: NativeWeight;
  weightDtype: NativeWeightDtype;
  /** Put the weight into the backend's panels first, as models are. */
  weightPacked?: boolean;
  bias?: Float32Array;
  y: Float32Array;
  yStride?: number;
};

export type NativeRmsNorm = {
  rows: number;
  dim: number;
  x: Float32Array;
  residualIn?: Float32Array;
  weight: Float32Array;
  residualOut?: Float32Array;
  out: Float32Array;
  eps: number;
};

export type NativeGatedRmsNorm = {
  rows: number;
  dim: number;
  groupSize: number;
  y: Float32Array;
  z: Float32Array;
  zStride?: number;
  weight: Float32Array;
  out: Float32Array;
  eps: number;
  normBeforeGate: boolean;
  /** `[rows]` scores of the results; `metric` comes with it. */
  importance?: Float32Array;
  metric?: 'clip' | 'l1' | 'l2' | 'sum';
};

export type NativeCausalConv = {
  rows: number;
  channels: number;
  /** 1 to 16. */
  width: number;
  path: NativePath;
  x: Float32Array;
  xStride?: number;
  /** `[width, channels]` */
  weight: Float32Array;
  bias?: Float32Array;
  /** `[sequences, width, channels]`, and so is `stateOut`. */
  stateIn?: Float32Array;
  stateOut?: Float32Array;
  y: Float32Array;
  yStride?: number;
  mode: 'compact' | 'aligned';
  silu: boolean;
};

/** Scores that a scan makes on the way. */
export type NativeScanScores = {
  /** `[rows]`; only those on the path are written. `metric` and `source` come with it. */
  importance?: Float32Array;
  metric?: 'clip' | 'l1' | 'l2' | 'sum' | 'delta';
  source?: 'gated' | 'ssm';
};

export type NativeSelectiveScan = NativeScanScores & {
  rows: number;
  channels: number;
  dState: number;
  groups: number;
  path: NativePath;
  u: Float32Array;
  uStride?: number;
  delta: Float32Array;
  deltaStride?: number;
  A: Float32Array;
  /** `[rows, groups, dState]`, and so is `C`. */
  B: Float32Array;
  BStride?: number;
  C: Float32Array;
  CStride?: number;
  D?: Float32Array;
  z?: Float32Array;
  zStride?: number;
  dtBias?: Float32Array;
  /** `[steps, channels]`, for `own` only. */
  skippedDt?: Float32Array;
  /** `[sequences, channels, dState]`, and so is `stateOut`. */
  stateIn?: Float32Array;
  stateOut?: Float32Array;
  y: Float32Array;
  yStride?: number;
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
  x: Float32Array;
  xStride?: number;
  dt: Float32Array;
  dtStride?: number;
  A: Float32Array;
  /** `[rows, groups, dState]`, and so is `C`. */
  B: Float32Array;
  BStride?: number;
  C: Float32Array;
  CStride?: number;
  /** `[heads]`, or `[heads, headDim]` with `DPerChannel`. */
  D?: Float32Array;
  DPerChannel: boolean;
  z?: Float32Array;
  zStride?: number;
  dtBias?: Float32Array;
  dtMin: number;
  dtMax: number;
  /** `[steps, heads]`, for `own` only. */
  skippedDt?: Float32Array;
  /** `[sequences, heads, headDim, dState]`, and so is `stateOut`. */
  stateIn?: Float32Array;
  stateOut?: Float32Array;
  y: Float32Array;
  yStride?: number;
  alignment: NativeAlignment;
  softplus: boolean;
};

/** Scores of rows of x + added; `offsets` cuts the rows into sequences. */
export type NativeTokenImportance = {
  channels: number;
  offsets: Int32Array;
  x: Float32Array;
  xStride?: number;
  added?: Float32Array;
  addedStride?: number;
  metric: 'clip' | 'l1' | 'l2' | 'sum' | 'novel' | 'novel2';
  scores: Float32Array;
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
  scores?: Float32Array;
  /** `[rows, dim]`, and so is `addedFeatures`: for utrc, merge and ltmp. */
  features?: Float32Array;
  addedFeatures?: Float32Array;
  dim?: number;
  /** For random. */
  positions?: Int32Array;
  /** 1 for the rows that stay as they are. */
  protected?: Int32Array;
  sizes?: Int32Array;
  policy: NativeReductionPolicy;
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
  kept: Int32Array;
  keptSizes: Int32Array;
  /** `[sequences + 1]` */
  keptOffsets: Int32Array;
  /** `[rows]`, and so are `destResidual` and `weights`. */
  destHidden: Int32Array;
  destResidual: Int32Array;
  weights: Float32Array;
};

/** The outputs may be the inputs. */
export type NativeReduceTokens = {
  rows: number;
  keptRows: number;
  dim: number;
  hidden: Float32Array;
  residual?: Float32Array;
  destHidden: Int32Array;
  destResidual?: Int32Array;
  weights: Float32Array;
  kept: Int32Array;
  hiddenOut: Float32Array;
  residualOut?: Float32Array;
};
/** What a scan was given and returned, as far as its tokens' shares in the final state follow from it. */
export type NativeSelectiveStateImportance = Omit<NativeSelectiveScan, NotInShares> & NativeShares;
export type NativeSsdStateImportance = Omit<NativeSsdScan, NotInShares | 'DPerChannel'> & NativeShares;

type NotInShares =
  | keyof NativeScanScores
  | ('C' | 'CStride' | 'D' | 'z' | 'zStride' | 'stateIn' | 'stateOut' | 'y' | 'yStride');
type NativeShares = {
  /** The scan's `stateOut`. */
  state: Float32Array;
  /** `[rows]`; only those on the path are written. */
  scores: Float32Array;
};
