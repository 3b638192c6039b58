import path from 'node:path';
import { loadVisionModel } from '../models/vision-load';
import type { VisionModel } from '../models/vision-model';
import { type VisionModelName, visionModelNames } from '../models/vision-names';
import { type Command, choiceOption, type Values } from './command';
import { interruptible } from './interrupt';
import { interruptedLoading, loadingOptions, modelOptions } from './model';
import { Progress } from './progress';

/** The vision model that ships with the package. */
export const shippedVisionModel = path.resolve(__dirname, '..', '..', 'models', 'tiny-vim');

const { model, device, dtype, activations, threads, revision, 'cache-dir': cacheDir, offline } = modelOptions;

/** Options of every command that loads a vision model. */
export const visionModelOptions: Command['options'] = {
  model: {
    ...model,
    help: 'A folder, a weights file or a hub id. Defaults to the small ViM that ships with skipscan.',
  },
  architecture: {
    type: 'string',
    value: 'NAME',
    help: `Which published model the weights are: ${visionModelNames.join(', ')}. Defaults to what config.json or the tensors say.`,
  },
  file: {
    type: 'string',
    value: 'NAME',
    help: 'Which weights file of the folder or hub repository, where it has several, such as l1.pth.',
  },
  labels: {
    type: 'string',
    value: 'FILE',
    help: "Names of the classes, one a line or JSON. Defaults to the model's own; ImageNet's for 1000 classes.",
  },
  device,
  dtype,
  activations,
  threads,
  revision,
  'cache-dir': cacheDir,
  offline,
};

/** Loads the vision model that the options name, with progress on a terminal. */
export async function loadVisionFromOptions(values: Values): Promise<VisionModel> {
  const source = (values.model as string | undefined) ?? shippedVisionModel;
  const name = architectureOption(values);
  const progress = new Progress('loading');
  try {
    const options = {
      ...loadingOptions(values),
      model: name,
      file: values.file as string | undefined,
      labels: values.labels as string | undefined,
      onProgress: (done: number, total: number) => progress.update(done, total),
    };
    return await interruptible(
      (signal) => loadVisionModel(source, { ...options, signal }),
      interruptedLoading,
    );
  } finally {
    progress.end();
  }
}

/** The published model that the options name. */
export function architectureOption(values: Values): VisionModelName | undefined {
  return choiceOption(values, 'architecture', visionModelNames);
}
