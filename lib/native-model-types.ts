// The models' part of the addon's surface, as csrc/binding/language_model_wrap.h and vision_model_wrap.h have it.

import type { LanguageModelConfig } from './models/config';
import type { ActivationDtype, WeightDtype } from './models/run-options';
import type { VisionConfig } from './models/vision-config';
import type { NativeWeightDtype } from './native-types';
import type {
  ConvMode,
  Policy,
  PolicyAlignment,
  PolicyMetric,
  PolicySource,
  Similarity,
} from './reduction/policy-types';

/** How a model is held: `threads` are those of the CPU, whatever the device. */
export type NativeModelOptions = {
  device: string;
  dtype: WeightDtype;
  activations?: ActivationDtype;
  threads: number;
};

export type NativeModels = {
  LanguageModel: new (config: LanguageModelConfig, options: NativeModelOptions) => NativeLanguageModel;
  /** A sequence that starts from nothing, or from where another stands. */
  Session: new (
    model: NativeLanguageModel,
    cloned?: NativeSession,
  ) => NativeSession;
  VisionModel: new (config: VisionConfig, options: NativeModelOptions) => NativeVisionModel;
};

/** A tensor that a model needs, by its Hugging Face name; of a vision model, by its name in the authors' checkpoints. */
export type NativeWeightSlot = { name: string; shape: number[] };

/** Where a slot's tensor lies: row-major and little-endian at `offset` of `file`. */
export type NativeTensorSource = { slot: string; file: string; offset: number; dtype: NativeWeightDtype };

/** A policy met with its prompts; every field is there, used or not. */
export type NativeReduction = {
  name: Policy['name'];
  layers: readonly number[];
  /** Of each sequence. */
  keep: readonly number[];
  metric: PolicyMetric;
  source: PolicySource;
  alignment: PolicyAlignment;
  conv: ConvMode;
  similarity: Similarity;
  qHidden: number;
  qResidual: number;
  pruneBelow: number;
  mergeAbove: number;
  seed: number;
  fuse: boolean;
  forward: boolean;
  protect: readonly number[];
  protectLast: number;
};

export type NativeKept = { layer: number; offsets: Int32Array; positions: Int32Array };

/** What any model offers to be measured by. Not while a call runs. */
export type NativeProfiling = {
  /** Operators are measured from here on. */
  startProfile(): void;
  /** Ends that. Rows come in the order of the operators' first calls. */
  endProfile(): NativeOperatorProfile[];
};

/** All calls of one operator, added up, as csrc/ops/work.h counts them. */
export type NativeOperatorProfile = {
  name: string;
  calls: number;
  seconds: number;
  flops: number;
  bytes: number;
  exponentials: number;
};

/** Calls must not overlap; arrays are filled in place and must stay attached; `cancel[0]` not 0 stops the work. */
export type NativeLanguageModel = NativeProfiling & {
  slots(): NativeWeightSlot[];
  /** Reads, converts and packs these tensors. */
  load(sources: NativeTensorSource[]): Promise<void>;
  /** Throws unless every slot is filled. */
  finishLoading(): { fingerprint: string; backend: string };
  /** `logits` has room for every row that is left, or for each sequence's last. */
  forward(
    tokens: Int32Array,
    offsets: Int32Array,
    o: {
      lastOnly: boolean;
      logits: Float32Array;
      hidden?: Float32Array;
      reduction?: NativeReduction;
      /**
       * The sequences go on from these sessions, one each, whose next position is `start`. With `advance` the sessions are then
       * where the sequences end; without it, or on failure, they stay as they were, and one may be there several times.
       */
      from?: { sessions: NativeSession[]; start: number; advance: boolean };
    },
    cancel: Int32Array,
  ): Promise<{ milliseconds: number; kept: NativeKept[] }>;
  /** One token for each of these sessions, which are different ones, in place: also on failure. `logits`: `[sessions, vocabRows]`. */
  step(sessions: NativeSession[], tokens: Int32Array, logits: Float32Array): Promise<void>;
  /** Bytes on the model's device. */
  memory(): { weights: number; workspace: number; sessions: number };
  dispose(): void;
};

/** As a language model. Tokens are an image's patches in raster order, and in ViM the class token at index floor(patches / 2). */
export type NativeVisionModel = NativeProfiling & {
  slots(): NativeWeightSlot[];
  load(sources: NativeTensorSource[]): Promise<void>;
  finishLoading(): { fingerprint: string; backend: string };
  /** `pixels`: `[images, 3, height, width]`, normalised. */
  forward(
    pixels: Float32Array,
    shape: { images: number; height: number; width: number },
    o: {
      /** `[images, numClasses]` */
      logits: Float32Array;
      /** `[images, dModel]`: what the head is given. */
      features?: Float32Array;
      /** `[layers, images, tokens, dModel]`, and so is `residual`: what each block returns. Not with a reduction. */
      hidden?: Float32Array;
      residual?: Float32Array;
      /** Whether the scores that reductions went by are wanted. */
      scores: boolean;
      reduction?: NativeReduction;
    },
    cancel: Int32Array,
  ): Promise<{
    milliseconds: number;
    kept: NativeKept[];
    /** Per reduction, of the rows before it; absent where the policy needs none. */
    scores?: Float32Array[];
  }>;
  /** Of images of this size. `moves` is PlainMamba's only. */
  scanOrders(height: number, width: number): { positions: Int32Array; moves?: Int32Array };
  memory(): { weights: number; workspace: number };
  dispose(): void;
};

export type NativeSession = {
  layerState(layer: number): { conv: Float32Array; ssm: Float32Array };
  stateBytes(): number;
  /** Not while a call on the session runs. `into` has `stateBytes()` bytes. */
  exportState(into: Uint8Array): Promise<void>;
  importState(state: Uint8Array): void;
  dispose(): void;
};
