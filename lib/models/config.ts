import { describeJson, SkipscanError } from '../errors';
import { ConfigReader, type Json, largestWidth, mostLayers } from './config-reader';
import { describesVision } from './model-config';

/** Which published file layout a configuration comes from: Hugging Face transformers, or the authors' mamba_ssm. */
export type ConfigFormat = 'huggingface' | 'state-spaces';

/** The shape of a language model, whatever format it was published in. */
export type LanguageModelConfig = {
  /** Mamba (arXiv 2312.00752) or Mamba-2 (arXiv 2405.21060). */
  readonly family: 'mamba' | 'mamba2';
  /** The format that the checkpoint is in. */
  readonly format: ConfigFormat;
  /** Channels of the residual stream. */
  readonly dModel: number;
  /** Blocks. */
  readonly layers: number;
  /** Rows of the embedding and entries of the logits, padding included. */
  readonly vocabRows: number;
  /** Tokens the tokenizer knows; ids from here to `vocabRows` are padding. Equal to `vocabRows` where the format does not say. */
  readonly vocabSize: number;
  /** Channels of the scan. */
  readonly dInner: number;
  /** States of each channel, or of each head. */
  readonly dState: number;
  /** Taps of the causal convolution. */
  readonly convWidth: number;
  /** What RMS norms add to the mean square. */
  readonly normEps: number;
  /** Whether the output head is the embedding. */
  readonly tiedHead: boolean;
  /** Whether the input and output projections have a bias. */
  readonly projectionBias: boolean;
  /** Whether the convolution has a bias. */
  readonly convBias: boolean;
  /** Mamba-1 only. */
  readonly dtRank: number;
  /** Mamba-2 only, as is all that follows. */
  readonly heads: number;
  /** Channels of a head. */
  readonly headDim: number;
  /** Groups of heads that share B and C. */
  readonly groups: number;
  /** Channels that the gated norm normalises together: `dInner`, or `dInner / groups`. */
  readonly normGroupSize: number;
  /** Whether the gated norm comes before the gate. */
  readonly normBeforeGate: boolean;
  /** The least time step, after the softplus. */
  readonly dtMin: number;
  /** The largest time step, after the softplus. */
  readonly dtMax: number;
  /** Token ids that end a text. */
  readonly eosTokenIds: readonly number[];
};

/** How the gated norm of a Mamba-2 with several groups is computed; the two public implementations differ. */
export type GatedNorm = 'whole' | 'grouped';

/**
 * The model that a config.json describes, in either format (told apart by `model_type`, which only Hugging Face has).
 * Defaults for absent fields are those of the code that owns the format.
 *
 * @param gatedNorm overrides the format's rule for Mamba-2 with several groups: Hugging Face normalises all channels
 *   together, mamba_ssm each group apart.
 */
export function parseConfig(file: string, json: Json, gatedNorm?: GatedNorm): LanguageModelConfig {
  const reader = new ConfigReader(file, json);
  if (describesVision(json)) {
    throw new SkipscanError(
      'ERR_UNSUPPORTED',
      `${file}: this is the config of a vision model. Load it with loadVisionModel().`,
    );
  }
  if (reader.has('model_type')) return withPossibleState(reader, fromHuggingFace(reader, gatedNorm));
  if (reader.has('d_model') && reader.has('n_layer')) {
    return withPossibleState(reader, fromStateSpaces(reader, gatedNorm));
  }
  throw new SkipscanError(
    'ERR_UNSUPPORTED',
    `${file}: found neither "model_type" (Hugging Face) nor "d_model" and "n_layer" (state-spaces); ` +
      `expected the config.json of a Mamba or Mamba-2 language model.`,
  );
}

/** Far above what any model carries from token to token (the largest published ones some 0.3 GB). */
const mostStateBytes = 4 * 2 ** 30;

/** A Mamba-2's state is larger than its weights where a config says so, and every session has one. */
function withPossibleState(c: ConfigReader, config: LanguageModelConfig): LanguageModelConfig {
  const { family, layers, dInner, dState, convWidth, groups } = config;
  const channels = dInner + (family === 'mamba2' ? 2 * groups * dState : 0);
  const bytes = 4 * layers * (dInner * dState + channels * convWidth);
  if (bytes <= mostStateBytes) return config;
  throw new SkipscanError(
    'ERR_CHECKPOINT',
    `${c.file}: the state of one sequence would have ${Math.round(bytes / 2 ** 30)} GiB (${layers} layers of ${dInner} x ${dState}` +
      ` elements and a window of ${convWidth} x ${channels}); at most 4 are supported. Use the config.json that was published` +
      ' with these weights.',
  );
}

function fromHuggingFace(c: ConfigReader, gatedNorm?: GatedNorm): LanguageModelConfig {
  const family = c.raw('model_type');
  if (family !== 'mamba' && family !== 'mamba2') {
    throw new SkipscanError(
      'ERR_UNSUPPORTED',
      `${c.file}: model_type is ${describeJson(family)}; supported are "mamba" and "mamba2".`,
    );
  }
  c.only('hidden_act', ['silu', 'swish']);
  const two = family === 'mamba2';
  const dModel = c.size('hidden_size', two ? 4096 : 768, largestWidth);
  // transformers takes Mamba-1's intermediate_size where it is given, and computes it for Mamba-2.
  const dInner =
    !two && c.has('intermediate_size')
      ? c.size('intermediate_size', undefined, largestWidth)
      : c.product('expand', 2, dModel);
  const vocabRows = c.size('vocab_size', two ? 32768 : 50280);
  return {
    family,
    format: 'huggingface',
    dModel,
    layers: c.size('num_hidden_layers', two ? 64 : 32, mostLayers),
    vocabRows,
    vocabSize: vocabRows,
    dInner,
    dState: c.size('state_size', two ? 128 : 16, 4096),
    convWidth: c.size('conv_kernel', 4, 16),
    normEps: c.epsilon('layer_norm_epsilon', 1e-5),
    tiedHead: c.flag('tie_word_embeddings', !two),
    projectionBias: c.flag('use_bias', false),
    convBias: c.flag('use_conv_bias', true),
    ...(two
      ? mamba2Part(c, {
          dInner,
          heads: c.size('num_heads', 128),
          headDim: c.size('head_dim', 64),
          groups: c.size('n_groups', 8),
          dtLimit: c.raw('time_step_limit'),
          dtLimitField: 'time_step_limit',
          gatedNorm: gatedNorm ?? 'whole',
          normBeforeGate: false, // transformers ignores the field
        })
      : mamba1Part(dtRank(c, 'time_step_rank', dModel))),
    eosTokenIds: c.tokenIds('eos_token_id'),
  };
}

function fromStateSpaces(c: ConfigReader, gatedNorm?: GatedNorm): LanguageModelConfig {
  const ssm = c.object('ssm_cfg');
  ssm.only('layer', ['Mamba1', 'Mamba2']);
  c.only('rms_norm', [true]);
  c.only('d_intermediate', [0]);
  if (Array.isArray(c.raw('attn_layer_idx')) && (c.raw('attn_layer_idx') as unknown[]).length > 0) {
    c.only('attn_layer_idx', ['[] (no attention layers)']);
  }
  const two = ssm.raw('layer') === 'Mamba2';
  const dModel = c.size('d_model', two ? 2560 : undefined, largestWidth);
  const dInner = ssm.product('expand', 2, dModel);
  const vocabSize = c.size('vocab_size', 50277);
  const multiple = c.size('pad_vocab_size_multiple', 8);
  const headDim = two ? ssm.size('headdim', 64) : 0;
  if (two) {
    ssm.only('rmsnorm', [true]);
    ssm.only('D_has_hdim', [false]);
    if (ssm.has('d_ssm')) ssm.only('d_ssm', [dInner]);
  }
  return {
    family: two ? 'mamba2' : 'mamba',
    format: 'state-spaces',
    dModel,
    layers: c.size('n_layer', undefined, mostLayers),
    vocabRows: Math.ceil(vocabSize / multiple) * multiple,
    vocabSize,
    dInner,
    dState: ssm.size('d_state', two ? 128 : 16, 4096),
    convWidth: ssm.size('d_conv', 4, 16),
    normEps: 1e-5, // fixed in mamba_ssm
    tiedHead: c.flag('tie_embeddings', true),
    projectionBias: ssm.flag('bias', false),
    convBias: ssm.flag('conv_bias', true),
    ...(two
      ? mamba2Part(ssm, {
          dInner,
          heads: dInner / headDim,
          headDim,
          groups: ssm.size('ngroups', 1),
          dtLimit: ssm.raw('dt_limit'),
          dtLimitField: 'dt_limit',
          gatedNorm: gatedNorm ?? 'grouped',
          normBeforeGate: ssm.flag('norm_before_gate', false),
        })
      : mamba1Part(dtRank(ssm, 'dt_rank', dModel))),
    eosTokenIds: [],
  };
}

function dtRank(c: ConfigReader, field: string, dModel: number): number {
  return c.has(field) && c.raw(field) !== 'auto'
    ? c.size(field, undefined, largestWidth)
    : Math.ceil(dModel / 16);
}

function mamba1Part(rank: number) {
  return {
    dtRank: rank,
    heads: 0,
    headDim: 0,
    groups: 1,
    normGroupSize: 0,
    normBeforeGate: false,
    dtMin: 0,
    dtMax: Number.POSITIVE_INFINITY,
  };
}

type Mamba2Fields = {
  dInner: number;
  heads: number;
  headDim: number;
  groups: number;
  dtLimit: unknown;
  dtLimitField: string;
  gatedNorm: GatedNorm;
  normBeforeGate: boolean;
};

function mamba2Part(c: ConfigReader, f: Mamba2Fields) {
  if (f.heads * f.headDim !== f.dInner || !Number.isInteger(f.heads)) {
    c.fail('head_dim', `heads x head_dim to be the inner width ${f.dInner}`, `${f.heads} x ${f.headDim}`);
  }
  if (f.heads % f.groups !== 0) c.fail('n_groups', `a divisor of the ${f.heads} heads`, f.groups);
  const [dtMin, dtMax] = timeStepLimit(c, f.dtLimitField, f.dtLimit);
  return {
    dtRank: 0,
    heads: f.heads,
    headDim: f.headDim,
    groups: f.groups,
    normGroupSize: f.gatedNorm === 'whole' ? f.dInner : f.dInner / f.groups,
    normBeforeGate: f.normBeforeGate,
    dtMin,
    dtMax,
  };
}

/** `[low, high]`, where transformers 5 writes infinity as `{"__float__": "Infinity"}`. */
function timeStepLimit(c: ConfigReader, field: string, value: unknown): [number, number] {
  if (value === undefined || value === null) return [0, Number.POSITIVE_INFINITY];
  const bounds = Array.isArray(value)
    ? value.map((v) => (typeof v === 'object' && v !== null ? namedFloat((v as Json).__float__) : v))
    : [];
  const [low, high] = bounds;
  if (bounds.length !== 2 || typeof low !== 'number' || typeof high !== 'number' || !(low <= high)) {
    c.fail(field, 'two numbers, the smaller first', value);
  }
  return [low, high];
}

/** Only text stands for a number here. */
function namedFloat(name: unknown): number {
  return typeof name === 'string' ? Number(name) : Number.NaN;
}
