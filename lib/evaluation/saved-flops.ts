import type { LanguageModel } from '../models/language-model';
import type { ModelConfig } from '../models/model-config';
import { isVision } from '../models/model-config';
import { countsOf, type Kept } from '../models/reduce';
import { tokensOf } from '../models/vision-grid';
import type { VisionModel } from '../models/vision-model';
import { flops, type Policy } from '../reduction';
import type { ImageBatch } from './image-batches';

/** Prompts of one forward pass. */
const batchSize = 16;

/**
 * The share of the blocks' FLOPs that a policy saves in reading these prompts: what `flopsReduction` sets. Of thresholds it is known
 * only after reading them.
 */
export async function savedOnPrompts(
  model: Pick<LanguageModel, 'config' | 'forward'>,
  prompts: readonly Int32Array[],
  policy: Policy,
  signal?: AbortSignal,
): Promise<number> {
  const work = new Work(model.config, policy);
  if (policy.name !== 'ltmp') {
    for (const { length } of prompts) work.add(length);
    return work.saved;
  }
  for (let first = 0; first < prompts.length; first += batchSize) {
    const some = prompts.slice(first, first + batchSize);
    const { kept } = await model.forward(some, { reduction: policy, logits: 'last', signal });
    for (const [s, { length }] of some.entries()) work.add(length, kept, s);
  }
  return work.saved;
}

/** The same for images of the size that the model was trained on. */
export async function savedOnImages(
  model: Pick<VisionModel, 'config' | 'forward'>,
  batches: AsyncIterable<ImageBatch>,
  policy: Policy,
  signal?: AbortSignal,
): Promise<number> {
  const { config } = model;
  const tokens = tokensOf(config, config.grid[0] * config.grid[1]);
  const work = new Work(config, policy);
  if (policy.name !== 'ltmp') {
    work.add(tokens);
    return work.saved;
  }
  for await (const { pixels, shape, labels } of batches) {
    const { kept } = await model.forward(pixels, shape, { reduction: policy, signal });
    for (const i of labels.keys()) work.add(tokens, kept, i);
  }
  return work.saved;
}

/** FLOPs of the blocks, dense and reduced. */
class Work {
  #dense = 0;
  #reduced = 0;

  constructor(
    readonly config: ModelConfig,
    readonly policy: Policy,
  ) {}

  /** @param kept what the reductions left, in a batch where the sequence is the s-th, if that cannot be foretold */
  add(length: number, kept?: readonly Kept[], s = 0): void {
    const blocks = (o: { reduction?: Policy; counts?: number[] }) =>
      isVision(this.config) ? flops(this.config, o).blocks : flops(this.config, { length, ...o }).blocks;
    this.#dense += blocks({});
    this.#reduced += blocks({ reduction: this.policy, counts: kept && countsOf(kept, s) });
  }

  get saved(): number {
    return 1 - this.#reduced / this.#dense;
  }
}
