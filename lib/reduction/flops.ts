import type { LanguageModelConfig } from '../models/config';

/** Floating-point operations, a multiply-add counted as two. */
export type Flops = {
  /** `blocks + head + reduction`. */
  total: number;
  blocks: number;
  /** The output head, for the rows whose logits are computed. */
  head: number;
  /** Scoring, comparing and merging tokens; 0 where nothing is reduced. */
  reduction: number;
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
 * FLOPs of a forward pass over `length` tokens with logits for `headRows` of them. The embedding is free.
 *
 * @param o.length tokens
 * @param o.headRows rows that go through the output head; defaults to 1, as in a prefill
 */
export function flops(config: LanguageModelConfig, o: { length: number; headRows?: number }): Flops {
  const blocks = o.length * config.layers * blockFlopsPerToken(config);
  const head = (o.headRows ?? 1) * 2 * config.dModel * config.vocabRows;
  return { total: blocks + head, blocks, head, reduction: 0 };
}
