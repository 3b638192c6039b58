import type { LanguageModelConfig } from '../models/config';
import type { LanguageModel } from '../models/language-model';
import { countsOf } from '../models/reduce';
import { flops, type Policy, resolvePolicy } from '../reduction';

/** What a reduction did to one prompt. */
export type ReductionReport = {
  policy: Policy;
  /** Tokens before the first reduction. */
  promptTokens: number;
  /** How many tokens each reduction has left. */
  kept: { layer: number; tokens: number }[];
  flops: { denseBlocks: number; blocks: number; reduction: number };
  /** The share of the blocks' FLOPs that was saved; the reduction's own cost is not in it. */
  saved: number;
};

/** What a reduction leaves of a prompt. The thresholds of `ltmp` tell only by a pass of its own. */
export async function reportReduction(
  model: LanguageModel,
  policy: Policy,
  prompt: Int32Array,
): Promise<ReductionReport> {
  const foreseen = resolvePolicy(policy, model.config, prompt.length).counts;
  const counts =
    foreseen ?? countsOf((await model.forward(prompt, { reduction: policy, logits: 'last' })).kept, 0);
  return reductionReport(model.config, policy, prompt.length, counts);
}

/** @param counts tokens that each reduction has left */
export function reductionReport(
  config: LanguageModelConfig,
  policy: Policy,
  promptTokens: number,
  counts: readonly number[],
): ReductionReport {
  const dense = flops(config, { length: promptTokens });
  const reduced = flops(config, {
    length: promptTokens,
    reduction: policy,
    counts: policy.name === 'ltmp' ? counts : undefined,
  });
  return {
    policy,
    promptTokens,
    kept: policy.layers.map((layer, i) => ({ layer, tokens: counts[i] })),
    flops: { denseBlocks: dense.blocks, blocks: reduced.blocks, reduction: reduced.reduction },
    saved: 1 - reduced.blocks / dense.blocks,
  };
}

/** The same in one line. */
export function describeReduction({ policy, promptTokens, kept, flops, saved }: ReductionReport): string {
  const layers = kept.map(({ layer }) => layer);
  return (
    `${policy.name} left ${kept.map(({ tokens }) => tokens).join(', ')} of ${promptTokens} prompt tokens ` +
    `after layer${layers.length > 1 ? 's' : ''} ${layers.join(', ')}: ${percent(saved)} of the blocks' FLOPs saved, ` +
    `${percent(flops.reduction / flops.denseBlocks)} spent on the reduction`
  );
}

export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}
