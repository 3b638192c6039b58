import os from 'node:os';
import { openCheckpoint, openTokenizer } from '../checkpoints';
import type { Checkpoint } from '../checkpoints/types';
import { type Device, resolveDevice } from '../device';
import { fromNative, fromNativeSync, invalidArgument } from '../errors';
import { native } from '../native';
import type { NativeTensorSource } from '../native-model-types';
import { Tokenizer } from '../text/tokenizer';
import { type GatedNorm, type LanguageModelConfig, parseConfig } from './config';
import { LanguageModel, type WeightDtype } from './language-model';
import { matchTensors } from './names';

export type LoadOptions = {
  /** Defaults to `'auto'`: the first GPU if there is one, else the CPU. */
  device?: 'auto' | Device;
  /**
   * How the weight matrices are held, and on a GPU the activations too. Defaults to the checkpoint's dtype. Sums and states are
   * float32.
   */
  dtype?: WeightDtype;
  /** Threads for this model on the CPU. Defaults to the number of processors. */
  threads?: number;
  /** A folder, a tokenizer.json or a hub id (of its branch `main`) to take the tokenizer from. Defaults to the source. */
  tokenizer?: string;
  /**
   * Mamba-2 with several groups only: whether the gated norm spans all channels (`'whole'`, transformers) or each group
   * (`'grouped'`, mamba_ssm). Defaults to what the checkpoint's format means.
   */
  gatedNorm?: GatedNorm;
  /** Where hub downloads are kept. Defaults to the Hugging Face cache. */
  cacheDir?: string;
  /** Branch, tag or commit of the source, where that is a hub id. Defaults to `main`. */
  revision?: string;
  /** Called with bytes done and bytes in all: first while files are downloaded, if any are, then while weights are read. */
  onProgress?: (done: number, total: number) => void;
  /** Stops the loading; the call rejects with `signal.reason`. */
  signal?: AbortSignal;
};

/**
 * Loads a Mamba or Mamba-2 language model.
 *
 * @param source a folder (Hugging Face: config.json with safetensors; state-spaces: config.json with pytorch_model.bin),
 *   a weights file beside its config.json, or a hub id such as `state-spaces/mamba2-130m`
 */
export async function loadLanguageModel(source: string, o: LoadOptions = {}): Promise<LanguageModel> {
  const threads = o.threads ?? os.availableParallelism();
  if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
    throw invalidArgument('threads', 'a whole number from 1 to 1024', threads);
  }
  if (o.dtype !== undefined && !['f32', 'bf16', 'f16'].includes(o.dtype)) {
    throw invalidArgument('dtype', "'f32', 'bf16' or 'f16'", o.dtype);
  }
  if (o.gatedNorm !== undefined && o.gatedNorm !== 'whole' && o.gatedNorm !== 'grouped') {
    throw invalidArgument('gatedNorm', "'whole' or 'grouped'", o.gatedNorm);
  }
  const device = resolveDevice(o.device ?? 'auto');
  o.signal?.throwIfAborted();

  const checkpoint = await openCheckpoint(source, o);
  const config = withEos(parseConfig(checkpoint.configFile, checkpoint.config, o.gatedNorm), checkpoint);
  const tokenizer = await loadTokenizer(checkpoint, o);
  const dtype = o.dtype ?? checkpointDtype(checkpoint);
  const model = fromNativeSync(() => new native.LanguageModel(config, { device, dtype, threads }));
  try {
    const slots = model.slots();
    await loadWeights(matchTensors(checkpoint, slots, config.tiedHead), (part) => model.load(part), o);
    const { fingerprint, backend } = fromNativeSync(() => model.finishLoading());
    const parameterCount = slots.reduce((n, slot) => n + slot.shape.reduce((a, b) => a * b, 1), 0);
    return new LanguageModel({
      native: model,
      source,
      config,
      device,
      dtype,
      fingerprint,
      backend,
      parameterCount,
      tokenizer,
    });
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** Tensors are handed over in parts, so that progress is seen and an abort is heeded in between. */
async function loadWeights(
  sources: (NativeTensorSource & { byteLength: number })[],
  load: (part: NativeTensorSource[]) => Promise<void>,
  { onProgress, signal }: LoadOptions,
): Promise<void> {
  const total = sources.reduce((n, source) => n + source.byteLength, 0);
  const partBytes = total / 100;
  let done = 0;
  let part: NativeTensorSource[] = [];
  let pending = 0;
  for (const [i, source] of sources.entries()) {
    part.push(source);
    pending += source.byteLength;
    if (pending < partBytes && i + 1 < sources.length) continue;
    signal?.throwIfAborted();
    await fromNative(load(part));
    done += pending;
    part = [];
    pending = 0;
    onProgress?.(done, total);
  }
}

/** The dtype of the largest share of the weights. */
function checkpointDtype(checkpoint: Checkpoint): WeightDtype {
  const bytes = new Map<string, number>();
  for (const { dtype, byteLength } of checkpoint.manifest.tensors.values()) {
    bytes.set(dtype, (bytes.get(dtype) ?? 0) + byteLength);
  }
  const [most] = [...bytes].sort((a, b) => b[1] - a[1]).map(([dtype]) => dtype);
  return most === 'bf16' || most === 'f16' ? most : 'f32';
}

/** generation_config.json says what ends a text where it is there; it wins over config.json, as in transformers. */
function withEos(config: LanguageModelConfig, checkpoint: Checkpoint): LanguageModelConfig {
  const value = checkpoint.generationConfig?.eos_token_id;
  const ids = (Array.isArray(value) ? value : [value]).filter((id): id is number => Number.isInteger(id));
  return ids.length > 0 ? { ...config, eosTokenIds: ids } : config;
}

async function loadTokenizer(checkpoint: Checkpoint, o: LoadOptions): Promise<Tokenizer | undefined> {
  const { tokenizerFile, tokenizerConfigFile } =
    o.tokenizer === undefined ? checkpoint : await openTokenizer(o.tokenizer, o);
  return tokenizerFile === undefined ? undefined : Tokenizer.load(tokenizerFile, tokenizerConfigFile);
}
