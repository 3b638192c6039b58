import { Random } from '../../lib/text/random';
import { f32, safetensorsFile, type TensorSource } from './safetensors-file';

/** The fields of a Hugging Face config.json that change shapes. */
export type ModelShape = {
  family: 'mamba' | 'mamba2';
  dModel: number;
  layers: number;
  vocab: number;
  dState: number;
  convWidth?: number;
  dtRank?: number;
  headDim?: number;
  groups?: number;
};

/** The files of a random model in Hugging Face format. Weights are of a size that keeps activations near 1. */
export function randomModel(shape: ModelShape, seed = 1): Record<string, string | Uint8Array> {
  const random = new Random(seed);
  const { family, dModel, layers, vocab, dState, convWidth = 4, dtRank = 3, headDim = 8, groups = 1 } = shape;
  const two = family === 'mamba2';
  const dInner = 2 * dModel;
  const heads = dInner / headDim;
  const channels = two ? dInner + 2 * groups * dState : dInner;
  const uniform = (size: number[], low: number, high: number) =>
    f32(
      size,
      Array.from({ length: size.reduce((a, b) => a * b, 1) }, () => low + (high - low) * random.next()),
    );
  const matrix = (rows: number, cols: number) =>
    uniform([rows, cols], -1.7 / Math.sqrt(cols), 1.7 / Math.sqrt(cols));

  const tensors: Record<string, TensorSource> = {
    'backbone.embeddings.weight': uniform([vocab, dModel], -1, 1),
  };
  for (let i = 0; i < layers; i += 1) {
    const layer = `backbone.layers.${i}`;
    const mixer = `${layer}.mixer`;
    tensors[`${layer}.norm.weight`] = uniform([dModel], 0.5, 1.5);
    tensors[`${mixer}.in_proj.weight`] = matrix(two ? dInner + channels + heads : 2 * dInner, dModel);
    tensors[`${mixer}.conv1d.weight`] = uniform([channels, 1, convWidth], -0.6, 0.6);
    tensors[`${mixer}.conv1d.bias`] = uniform([channels], -0.1, 0.1);
    if (two) {
      tensors[`${mixer}.dt_bias`] = uniform([heads], -4, -1);
      tensors[`${mixer}.A_log`] = uniform([heads], 0, 2);
      tensors[`${mixer}.D`] = uniform([heads], 0.5, 1.5);
      tensors[`${mixer}.norm.weight`] = uniform([dInner], 0.5, 1.5);
    } else {
      tensors[`${mixer}.x_proj.weight`] = matrix(dtRank + 2 * dState, dInner);
      tensors[`${mixer}.dt_proj.weight`] = matrix(dInner, dtRank);
      tensors[`${mixer}.dt_proj.bias`] = uniform([dInner], -4, -1);
      tensors[`${mixer}.A_log`] = uniform([dInner, dState], 0, 2);
      tensors[`${mixer}.D`] = uniform([dInner], 0.5, 1.5);
    }
    tensors[`${mixer}.out_proj.weight`] = matrix(dModel, dInner);
  }
  tensors['backbone.norm_f.weight'] = uniform([dModel], 0.5, 1.5);
  const config = {
    model_type: family,
    hidden_size: dModel,
    num_hidden_layers: layers,
    vocab_size: vocab,
    state_size: dState,
    conv_kernel: convWidth,
    expand: 2,
    tie_word_embeddings: true,
    ...(two ? { num_heads: heads, head_dim: headDim, n_groups: groups } : { time_step_rank: dtRank }),
  };
  return { 'config.json': JSON.stringify(config), 'model.safetensors': safetensorsFile(tensors) };
}

/** Token ids. */
export function randomTokens(random: Random, length: number, vocab: number): number[] {
  return Array.from({ length }, () => random.nextUint32() % vocab);
}
