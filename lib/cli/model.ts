import path from 'node:path';
import { loadLanguageModel } from '../models/load';
import { type Command, choiceOption, numberOption, type Values } from './command';
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
  dtype: {
    type: 'string',
    value: 'f32|bf16|f16',
    help: "How weights are held. Defaults to the checkpoint's dtype.",
  },
  threads: { type: 'string', value: 'N', help: 'Defaults to the number of processors.' },
  revision: {
    type: 'string',
    value: 'NAME',
    help: "Branch, tag or commit of the model's hub id. Defaults to main.",
  },
  'cache-dir': { type: 'string', value: 'DIR', help: 'Where hub downloads are kept.' },
};

/** Loads the model that the options name, with progress on a terminal. */
export async function loadFromOptions(values: Values) {
  const source = (values.model as string | undefined) ?? shippedModel;
  const dtype = choiceOption(values, 'dtype', ['f32', 'bf16', 'f16']);
  const progress = new Progress('loading');
  try {
    return await loadLanguageModel(source, {
      dtype,
      threads: numberOption(values, 'threads'),
      tokenizer: values.tokenizer as string | undefined,
      revision: values.revision as string | undefined,
      cacheDir: values['cache-dir'] as string | undefined,
      onProgress: (done, total) => progress.update(done, total),
    });
  } finally {
    progress.end();
  }
}
