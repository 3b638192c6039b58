import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { drawTensor, logRates, near, spread, timeStepBias } from '../../dist/cli/random-weights.js';
import { writeSafetensors } from '../../dist/cli/write-safetensors.js';
import { writeGguf } from './gguf.mjs';

// Models with random weights, the same in every format.

/** Where models are kept unless a benchmark is told otherwise. */
export const modelsDirectory = join(os.tmpdir(), 'skipscan-bench-models');

/** Writes the model as a Hugging Face folder, its tensors float32 or `bf16`, unless it is there. Returns its path. */
export async function huggingFaceModel(directory, name, shape, dtype = 'f32') {
  const folder = join(directory, dtype === 'f32' ? name : `${name}-${dtype}`);
  if (existsSync(join(folder, 'config.json'))) return folder;
  mkdirSync(folder, { recursive: true });
  await writeSafetensors(join(folder, 'model.safetensors'), tensors(shape), dtype);
  const config = join(folder, 'config.json');
  writeFileSync(`${config}.partial`, `${JSON.stringify(huggingFaceConfig(shape, dtype), null, 2)}\n`);
  renameSync(`${config}.partial`, config);
  return folder;
}

/** Writes the model as a GGUF file with matrices of type `f32`, `bf16` or `q8_0` unless it is there. Returns its path. */
export async function ggufModel(directory, name, shape, type) {
  const file = join(directory, `${name}-${type}.gguf`);
  if (existsSync(file)) return file;
  mkdirSync(directory, { recursive: true });
  await writeGguf(file, ggufMetadata(name, shape, type), ggufTensors(shape, type));
  return file;
}

// ---- weights

/** All tensors under their Hugging Face names. */
function tensors(shape) {
  const { dModel: D, dInner: E, dState: N, convWidth: W, dtRank: R, vocabulary } = shape;
  const list = [];
  const add = (name, size, draw) =>
    list.push({ name, shape: size, values: () => drawTensor(name, size, draw) });
  const projection = (name, outputs, inputs) => add(name, [outputs, inputs], spread(inputs ** -0.5));
  add('backbone.embeddings.weight', [vocabulary, D], spread(0.1));
  for (let layer = 0; layer < shape.layers; layer++) {
    const block = `backbone.layers.${layer}`;
    add(`${block}.norm.weight`, [D], near(1));
    if (shape.family === 'mamba') {
      projection(`${block}.mixer.in_proj.weight`, 2 * E, D);
      projection(`${block}.mixer.x_proj.weight`, R + 2 * N, E);
      projection(`${block}.mixer.dt_proj.weight`, E, R);
      add(`${block}.mixer.dt_proj.bias`, [E], timeStepBias);
      add(`${block}.mixer.A_log`, [E, N], logRates(N));
    } else {
      projection(`${block}.mixer.in_proj.weight`, E + convChannels(shape) + shape.heads, D);
      add(`${block}.mixer.dt_bias`, [shape.heads], timeStepBias);
      add(`${block}.mixer.A_log`, [shape.heads], logRates(shape.heads));
      add(`${block}.mixer.norm.weight`, [E], near(1));
    }
    add(`${block}.mixer.conv1d.weight`, [convChannels(shape), 1, W], spread(0.3));
    add(`${block}.mixer.conv1d.bias`, [convChannels(shape)], spread(0.3));
    add(`${block}.mixer.D`, [shape.family === 'mamba' ? E : shape.heads], near(1));
    projection(`${block}.mixer.out_proj.weight`, D, E);
  }
  add('backbone.norm_f.weight', [D], near(1));
  return list;
}

/** Channels of the convolution: the inner ones, and in Mamba-2 also those of B and C. */
function convChannels({ family, dInner, groups, dState }) {
  return family === 'mamba' ? dInner : dInner + 2 * groups * dState;
}

// ---- Hugging Face

function huggingFaceConfig(shape, dtype) {
  const common = {
    model_type: shape.family,
    hidden_size: shape.dModel,
    num_hidden_layers: shape.layers,
    vocab_size: shape.vocabulary,
    state_size: shape.dState,
    conv_kernel: shape.convWidth,
    expand: shape.dInner / shape.dModel,
    layer_norm_epsilon: 1e-5,
    hidden_act: 'silu',
    use_bias: false,
    use_conv_bias: true,
    tie_word_embeddings: true,
    residual_in_fp32: true,
    dtype: { f32: 'float32', bf16: 'bfloat16' }[dtype],
  };
  return shape.family === 'mamba'
    ? {
        architectures: ['MambaForCausalLM'],
        ...common,
        intermediate_size: shape.dInner,
        time_step_rank: shape.dtRank,
      }
    : {
        architectures: ['Mamba2ForCausalLM'],
        ...common,
        num_heads: shape.heads,
        head_dim: shape.headDim,
        n_groups: shape.groups,
      };
}

// ---- GGUF

/** llama.cpp's numbers for what a file mostly holds. */
const ggufFileTypes = { f32: 0, q8_0: 7, bf16: 32 };

function ggufMetadata(name, shape, type) {
  const arch = shape.family;
  return [
    ['general.architecture', 'string', arch],
    ['general.name', 'string', `${name} with random weights`],
    ['general.file_type', 'u32', ggufFileTypes[type]],
    [`${arch}.context_length`, 'u32', 1 << 20],
    [`${arch}.vocab_size`, 'u32', shape.vocabulary],
    [`${arch}.embedding_length`, 'u32', shape.dModel],
    [`${arch}.feed_forward_length`, 'u32', 0],
    [`${arch}.attention.head_count`, 'u32', 0],
    [`${arch}.attention.layer_norm_rms_epsilon`, 'f32', 1e-5],
    [`${arch}.block_count`, 'u32', shape.layers],
    [`${arch}.ssm.conv_kernel`, 'u32', shape.convWidth],
    [`${arch}.ssm.inner_size`, 'u32', shape.dInner],
    [`${arch}.ssm.state_size`, 'u32', shape.dState],
    [`${arch}.ssm.time_step_rank`, 'u32', arch === 'mamba2' ? shape.heads : shape.dtRank],
    ...(arch === 'mamba2' ? [[`${arch}.ssm.group_count`, 'u32', shape.groups]] : []),
    ...vocabulary(shape.vocabulary),
  ];
}

/** Token ids go in and come out, but llama.cpp wants to know a tokenizer: one that names every id and merges nothing. */
function vocabulary(size) {
  return [
    ['tokenizer.ggml.model', 'string', 'gpt2'],
    ['tokenizer.ggml.pre', 'string', 'gpt-2'],
    ['tokenizer.ggml.tokens', 'strings', Array.from({ length: size }, (_, id) => `<${id}>`)],
    ['tokenizer.ggml.merges', 'strings', []],
  ];
}

/**
 * GGUF's name for the end of each tensor name, with the matrices, which take the file's type. A file of 8-bit weights
 * keeps the two small matrices of the time step in float32, as llama.cpp's own converter does.
 */
const ggufNames = new Map([
  ['embeddings.weight', { name: 'token_embd.weight', matrix: true }],
  ['norm_f.weight', { name: 'output_norm.weight' }],
  ['norm.weight', { name: 'attn_norm.weight' }],
  ['mixer.in_proj.weight', { name: 'ssm_in.weight', matrix: true }],
  ['mixer.x_proj.weight', { name: 'ssm_x.weight', matrix: true, f32InQ80: true }],
  ['mixer.dt_proj.weight', { name: 'ssm_dt.weight', matrix: true, f32InQ80: true }],
  ['mixer.dt_proj.bias', { name: 'ssm_dt.bias' }],
  ['mixer.dt_bias', { name: 'ssm_dt.bias' }],
  ['mixer.A_log', { name: 'ssm_a' }],
  ['mixer.D', { name: 'ssm_d' }],
  ['mixer.conv1d.weight', { name: 'ssm_conv1d.weight' }],
  ['mixer.conv1d.bias', { name: 'ssm_conv1d.bias' }],
  ['mixer.norm.weight', { name: 'ssm_norm.weight' }],
  ['mixer.out_proj.weight', { name: 'ssm_out.weight', matrix: true }],
]);

function ggufTensors(shape, type) {
  return tensors(shape).map((tensor) => {
    const [, layer, part] = tensor.name.match(/^backbone\.(?:layers\.(\d+)\.)?(.*)$/);
    const { name, matrix, f32InQ80 } = ggufNames.get(part);
    return {
      name: layer === undefined ? name : `blk.${layer}.${name}`,
      shape: ggufShape(part, tensor.shape, shape),
      type: matrix && !(f32InQ80 && type === 'q8_0') ? type : 'f32',
      // GGUF holds A itself.
      values: part === 'mixer.A_log' ? () => tensor.values().map((value) => -Math.exp(value)) : tensor.values,
    };
  });
}

/** The convolution has no axis of input channels; what Mamba-2 holds per head or per group is two-dimensional. */
function ggufShape(part, size, { family, heads, groups, dInner }) {
  if (part === 'mixer.conv1d.weight') return [size[0], size[2]];
  if (family === 'mamba2' && (part === 'mixer.A_log' || part === 'mixer.D')) return [heads, 1];
  if (part === 'mixer.norm.weight') return [groups, dInner / groups];
  return size;
}
