import type { LanguageModelConfig } from '../models/config';
import type { LanguageModel } from '../models/language-model';
import { isVision, type ModelConfig } from '../models/model-config';
import { countsOf } from '../models/reduce';
import type { VisionConfig } from '../models/vision-config';
import { tokensOf } from '../models/vision-grid';
import type { VisionModel } from '../models/vision-model';
import { flops, type Policy, resolvePolicy } from '../reduction';
import { decodeImage } from '../vision/decode';
import { evalTransform, preprocess } from '../vision/preprocess';

/** What a reduction did to one sequence. */
type ReductionSummary = {
  policy: Policy;
  /** How many tokens each reduction has left. */
  kept: { layer: number; tokens: number }[];
  flops: { denseBlocks: number; blocks: number; reduction: number };
  /** The share of the blocks' FLOPs that was saved; the reduction's own cost is not in it. */
  saved: number;
};

/** What a reduction did to one prompt, which had so many tokens before. */
export type ReductionReport = ReductionSummary & { promptTokens: number };

/** What a reduction did to one image, which had so many tokens before, the class token included. */
export type ImageReductionReport = ReductionSummary & { tokens: number };

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

/** The same of an image file. */
export async function reportImageReduction(
  model: VisionModel,
  policy: Policy,
  image: string,
): Promise<ImageReductionReport> {
  const { config } = model;
  const foreseen = resolvePolicy(policy, config, imageTokens(config)).counts;
  if (foreseen) return imageReductionReport(config, policy, foreseen);
  const transform = evalTransform(config.imageSize);
  const pixels = await preprocess([await decodeImage(image)], transform);
  const { kept } = await model.forward(pixels, [1, 3, transform.crop, transform.crop], { reduction: policy });
  return imageReductionReport(config, policy, countsOf(kept, 0));
}

/** Tokens of an image of the size that the model was trained on. */
export function imageTokens(config: VisionConfig): number {
  return tokensOf(config, config.grid[0] * config.grid[1]);
}

/** @param counts tokens that each reduction has left */
export function reductionReport(
  config: LanguageModelConfig,
  policy: Policy,
  promptTokens: number,
  counts: readonly number[],
): ReductionReport {
  return { promptTokens, ...summaryOf(config, policy, promptTokens, counts) };
}

/** The same for an image of the size that the model was trained on. */
export function imageReductionReport(
  config: VisionConfig,
  policy: Policy,
  counts: readonly number[],
): ImageReductionReport {
  const tokens = imageTokens(config);
  return { tokens, ...summaryOf(config, policy, tokens, counts) };
}

function summaryOf(
  config: ModelConfig,
  policy: Policy,
  length: number,
  counts: readonly number[],
): ReductionSummary {
  const work = (o: { length: number; reduction?: Policy; counts?: readonly number[] }) =>
    isVision(config) ? flops(config, o) : flops(config, o);
  const dense = work({ length });
  const reduced = work({
    length,
    reduction: policy,
    counts: policy.name === 'ltmp' ? counts : undefined,
  });
  return {
    policy,
    kept: policy.layers.map((layer, i) => ({ layer, tokens: counts[i] })),
    flops: { denseBlocks: dense.blocks, blocks: reduced.blocks, reduction: reduced.reduction },
    saved: 1 - reduced.blocks / dense.blocks,
  };
}

/** The same in one line. */
export function describeReduction(report: ReductionReport | ImageReductionReport): string {
  const { policy, kept, flops, saved } = report;
  const layers = kept.map(({ layer }) => layer);
  const before = 'tokens' in report ? `${report.tokens} tokens` : `${report.promptTokens} prompt tokens`;
  return (
    `${policy.name} left ${kept.map(({ tokens }) => tokens).join(', ')} of ${before} ` +
    `after layer${layers.length > 1 ? 's' : ''} ${layers.join(', ')}: ${percent(saved)} of the blocks' FLOPs saved, ` +
    `${percent(flops.reduction / flops.denseBlocks)} spent on the reduction`
  );
}

export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}
