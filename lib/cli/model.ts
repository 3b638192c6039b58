import path from 'node:path';
import type { Device } from '../device';
import { loadLanguageModel } from '../models/load';
import { type Command, choiceOption, numberOption, UsageError, type Values } from './command';
import { interruptible } from './interrupt';
import { Progress } from './progress';

/** The model that ships with the package. */
export const shippedModel = path.resolve(__dirname, '..', '..', 'models', 'tiny-mamba2');

/** Options of every command that loads a model. */
export const modelOptions: Command['options'] = {
  model: {
    type: 'string',
    short: 'm',
    value: 'SOURCE',
    help: 'A folder, a weights file or a hub id. Defaults to the small model that ships with skipscan.',
  },
  tokenizer: {
    type: 'string',
    value: 'SOURCE',
    help: "A folder, a tokenizer.json or a hub id. Defaults to the model's own.",
  },
  device: {
    type: 'string',
    value: 'NAME',
    help: 'cpu, or cuda:0 and so on. Defaults to auto: the first GPU if there is one.',
  },
  dtype: {
    type: 'string',
    value: 'f32|bf16|f16|i8',
    help: "How weights are held, on a GPU activations too. Defaults to the checkpoint's dtype.",
  },
  activations: {
    type: 'string',
    value: 'f32|bf16',
    help: 'Of bf16 weights on the CPU: bf16 rounds what products read, where that is faster. Defaults to f32.',
  },
  threads: {
    type: 'string',
    value: 'N',
    help: 'Of the CPU. Defaults to the number of processors that the process may use.',
  },
  revision: {
    type: 'string',
    value: 'NAME',
    help: "Branch, tag or commit of the model's hub id. Defaults to main.",
  },
  'cache-dir': { type: 'string', value: 'DIR', help: 'Where hub downloads are kept.' },
  offline: {
    type: 'boolean',
    help: 'Never touch the network: hub ids must be in the cache. Defaults to HF_HUB_OFFLINE.',
  },
};

/** What a loading that was stopped has left. */
export const interruptedLoading =
  'Files that were downloaded whole are kept in the cache; nothing else is left.';

/** Loads the model that the options name, with progress on a terminal. */
export async function loadFromOptions(values: Values) {
  const source = (values.model as string | undefined) ?? shippedModel;
  const options = loadingOptions(values);
  const progress = new Progress('loading');
  try {
    const tokenizer = values.tokenizer as string | undefined;
    const onProgress = (done: number, total: number) => progress.update(done, total);
    return await interruptible(
      (signal) => loadLanguageModel(source, { ...options, tokenizer, onProgress, signal }),
      interruptedLoading,
    );
  } finally {
    progress.end();
  }
}

/** What is asked of the loading of any model. */
export function loadingOptions(values: Values) {
  return {
    device: deviceOption(values),
    dtype: choiceOption(values, 'dtype', ['f32', 'bf16', 'f16', 'i8']),
    activations: choiceOption(values, 'activations', ['f32', 'bf16']),
    threads: numberOption(values, 'threads'),
    revision: values.revision as string | undefined,
    cacheDir: values['cache-dir'] as string | undefined,
    offline: values.offline as boolean | undefined,
  };
}

function deviceOption({ device }: Values): 'auto' | Device | undefined {
  if (device === undefined || /^(auto|cpu|cuda:\d+)$/.test(String(device)))
    return device as Device | undefined;
  throw new UsageError(`Expected auto, cpu or cuda:<number> for --device but received '${String(device)}'.`);
}
