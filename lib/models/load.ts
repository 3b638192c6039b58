import { openCheckpoint, openTokenizer } from '../checkpoints';
import type { Checkpoint } from '../checkpoints/types';
import { fromNativeSync, invalidArgument } from '../errors';
import { native } from '../native';
import { Tokenizer } from '../text/tokenizer';
import { type GatedNorm, type LanguageModelConfig, parseConfig } from './config';
import { tokenIdsIn } from './config-reader';
import { LanguageModel } from './language-model';
import { elementsOf, loadWeights } from './load-weights';
import { assertLayers, describedBy, matchTensors } from './names';
import { checkRunOptions, type ModelOptions, numberFormats } from './run-options';

/** How a language model is loaded and run. */
export type LoadOptions = ModelOptions & {
  /** A folder, a tokenizer.json or a hub id (of its branch `main`) to take the tokenizer from. Defaults to the source. */
  tokenizer?: string;
  /**
   * Mamba-2 with several groups only: whether the gated norm spans all channels (`'whole'`, transformers) or each group
   * (`'grouped'`, mamba_ssm). Defaults to what the checkpoint's format means.
   */
  gatedNorm?: GatedNorm;
};

/**
 * Loads a Mamba or Mamba-2 language model.
 *
 * @param source a folder (Hugging Face: config.json with safetensors; state-spaces: config.json with pytorch_model.bin),
 *   a weights file beside its config.json, or a hub id such as `state-spaces/mamba2-130m`
 */
export async function loadLanguageModel(source: string, o: LoadOptions = {}): Promise<LanguageModel> {
  if (o.gatedNorm !== undefined && o.gatedNorm !== 'whole' && o.gatedNorm !== 'grouped') {
    throw invalidArgument('gatedNorm', "'whole' or 'grouped'", o.gatedNorm);
  }
  const { device, threads, maxQueue } = checkRunOptions(o);
  o.signal?.throwIfAborted();

  const checkpoint = await openCheckpoint(source, o);
  const config = withEos(parseConfig(checkpoint.configFile, checkpoint.config, o.gatedNorm), checkpoint);
  const tokenizer = await loadTokenizer(checkpoint, o);
  const formats = numberFormats(o, device, checkpoint.manifest);
  assertLayers(checkpoint, config.layers);
  const model = fromNativeSync(() => new native.LanguageModel(config, { device, threads, ...formats }));
  const match = {
    described: describedBy.configFile,
    aliases,
    // Files that were saved with a tied head may carry it twice.
    ignored: (name: string) => config.tiedHead && name === 'lm_head.weight',
  };
  const loaded = await loadWeights(
    model,
    checkpoint.manifest,
    (slots) => matchTensors(checkpoint, slots, match),
    o,
  );
  return new LanguageModel({
    maxQueue,
    native: model,
    source,
    config,
    device,
    ...formats,
    fingerprint: loaded.fingerprint,
    backend: loaded.backend,
    parameterCount: elementsOf(loaded.slots),
    tokenizer,
  });
}

/** mamba_ssm calls the embedding what transformers calls the embeddings. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['backbone.embedding.weight', 'backbone.embeddings.weight'],
]);

/** generation_config.json says what ends a text where it is there; it wins over config.json, as in transformers. */
function withEos(config: LanguageModelConfig, checkpoint: Checkpoint): LanguageModelConfig {
  const ids = tokenIdsIn(checkpoint.generationConfig?.eos_token_id);
  return ids.length > 0 ? { ...config, eosTokenIds: ids } : config;
}

async function loadTokenizer(checkpoint: Checkpoint, o: LoadOptions): Promise<Tokenizer | undefined> {
  const { tokenizerFile, tokenizerConfigFile } =
    o.tokenizer === undefined ? checkpoint : await openTokenizer(o.tokenizer, o);
  return tokenizerFile === undefined ? undefined : Tokenizer.load(tokenizerFile, tokenizerConfigFile);
}
