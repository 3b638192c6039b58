import type { LanguageModelConfig } from '../models/config';
import { isVision, type ModelConfig } from '../models/model-config';
import type { VisionConfig } from '../models/vision-config';
import { Options } from './options';
import type { Policy } from './policy-types';
import { reducedWork } from './reduced-work';
import { checkConfig } from './settings';
import { type VisionFlops, type VisionFlopsOptions, visionFlops } from './vision-flops';

/** Floating-point operations, a multiply-add counted as two. */
export type Flops = {
  /** `blocks + head + reduction`. */
  total: number;
  /** All blocks, with the tokens that reach each. */
  blocks: number;
  /** The output head, for the rows whose logits are computed. */
  head: number;
  /** Scoring, comparing and merging tokens; 0 where nothing is reduced. */
  reduction: number;
};

/** Of what prompt FLOPs are counted, under which reduction. */
export type FlopsOptions = {
  /** Tokens of the prompt. */
  length: number;
  /** Rows that go through the output head. Defaults to 1, as in a prefill. */
  headRows?: number;
  /** Removes tokens on the way. Defaults to none. */
  reduction?: Policy;
  /**
   * How many tokens each reduction left. For `ltmp`, and needed there: its counts depend on the prompt's content, and a
   * forward pass reports them.
   */
  counts?: readonly number[];
};

/** FLOPs of one block for one token, by the model of docs/reduction.md, section 7. */
export function blockFlopsPerToken(config: LanguageModelConfig): number {
  const { dModel: D, dInner: E, dState: N, convWidth: k, dtRank: R, groups: G, heads: H } = config;
  if (config.family === 'mamba') {
    return 2 * D * 2 * E + 2 * E * k + 2 * E * (R + 2 * N) + 2 * R * E + 9 * E * N + 2 * E * D;
  }
  return 2 * D * (2 * E + 2 * G * N + H) + 2 * (E + 2 * G * N) * k + (6 * E * N + 2 * E) + 2 * E * D;
}

/**
 * FLOPs of a forward pass over one sequence or one image. Each block counts with the tokens that reach it. The embedding of a
 * language model is free; that of a vision model, which makes patches of pixels, is counted. What a reduction itself costs is
 * told at `selectionFlops`. Numbers in the way of the vision papers are those of `publishedFlops`.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when the policy does not fit the model or the length, or is `ltmp` without `counts`.
 */
export function flops(config: LanguageModelConfig, o: FlopsOptions): Flops;
export function flops(config: VisionConfig, o?: VisionFlopsOptions): VisionFlops;
export function flops(config: ModelConfig, o: FlopsOptions | VisionFlopsOptions = {}): Flops | VisionFlops {
  checkConfig(config);
  return isVision(config) ? visionFlops(config, o) : languageFlops(config, o as FlopsOptions);
}

function languageFlops(config: LanguageModelConfig, o: FlopsOptions): Flops {
  const options = new Options('flops()', o, ['length', 'headRows', 'reduction', 'counts']);
  const length = options.whole('length', 1);
  const headRows = options.whole('headRows', 0, 1);
  const head = headRows * 2 * config.dModel * config.vocabRows;
  const { rows, reduction } =
    o.reduction !== undefined
      ? reducedWork(config, o.reduction, length, o.counts)
      : { rows: [length * config.layers], reduction: 0 };
  const blocks = rows.reduce((sum, n) => sum + n, 0) * blockFlopsPerToken(config);
  return { total: blocks + head + reduction, blocks, head, reduction };
}
