import { openVisionCheckpoint, type VisionCheckpoint } from '../checkpoints';
import { areLanguageTensors } from '../checkpoints/weights-files';
import { badCheckpoint, fromNativeSync } from '../errors';
import { native } from '../native';
import { elementsOf, loadWeights } from './load-weights';
import { assertLayers, type Described, describedBy, matchTensors } from './names';
import { checkRunOptions, type ModelOptions, numberFormats } from './run-options';
import { parseVisionConfig, type VisionConfig } from './vision-config';
import { classesOf, inferVisionConfig } from './vision-infer';
import { checkLabels, labelsFor } from './vision-labels';
import { VisionModel } from './vision-model';
import { publishedConfig, type VisionModelName } from './vision-names';

/** How a vision model is loaded and run. */
export type VisionLoadOptions = ModelOptions & {
  /**
   * Which published model the weights are of, with any number of classes. Defaults to what config.json beside the weights says, or
   * where there is none to what the tensors' shapes say.
   */
  model?: VisionModelName;
  /** Which weights file of a folder or a hub repository, where there are several. */
  file?: string;
  /**
   * The classes' names, or a file of them: one a line, or JSON. Defaults to labels.txt or labels.json beside the weights, else to
   * the names of ImageNet-1K where there are 1000 classes, else to `class 0` and so on.
   */
  labels?: string | readonly string[];
};

/**
 * Loads a ViM or PlainMamba image classifier.
 *
 * @param source a weights file as the authors publish it (.pth), or as safetensors; a folder that holds one; or a hub id such as
 *   `hustvl/Vim-tiny-midclstok`. Of a training checkpoint the entry `model` or `state_dict` is used: not the averaged weights
 *   (`model_ema`, names that begin with `ema_`), nor the optimizer's state.
 */
export async function loadVisionModel(source: string, o: VisionLoadOptions = {}): Promise<VisionModel> {
  const { device, threads, maxQueue } = checkRunOptions(o);
  if (o.model !== undefined) publishedConfig(o.model); // a wrong name fails before anything is downloaded
  checkLabels(o.labels);
  o.signal?.throwIfAborted();

  const checkpoint = await openVisionCheckpoint(source, o);
  const { config, described } = configFor(checkpoint, o.model);
  const labels = await labelsFor(config.numClasses, o.labels, checkpoint.labelsFile);
  const formats = numberFormats(o, device, checkpoint.manifest);
  assertLayers(checkpoint, config.layers);
  const model = fromNativeSync(() => new native.VisionModel(config, { device, threads, ...formats }));
  const loaded = await loadWeights(
    model,
    checkpoint.manifest,
    (slots) => matchTensors(checkpoint, slots, { described, ignored: isTrainingState }),
    o,
  );
  return new VisionModel({
    maxQueue,
    native: model,
    source,
    config,
    device,
    ...formats,
    fingerprint: loaded.fingerprint,
    backend: loaded.backend,
    parameterCount: elementsOf(loaded.slots.filter(({ name }) => !isStatistic(name))),
    labels,
  });
}

/** The model that a checkpoint is of, and who says so. */
export function configFor(
  { manifest, weightsFile, config, configFile }: VisionCheckpoint,
  name?: VisionModelName,
): { config: VisionConfig; described: Described } {
  if (areLanguageTensors(manifest)) {
    throw badCheckpoint(
      weightsFile,
      'these are the weights of a language model. Load it with loadLanguageModel().',
    );
  }
  if (name !== undefined) {
    const published = publishedConfig(name);
    const numClasses = classesOf(manifest.tensors) ?? published.numClasses;
    return { config: { ...published, numClasses }, described: describedBy.modelName(name) };
  }
  if (config !== undefined && configFile !== undefined) {
    return { config: parseVisionConfig(configFile, config), described: describedBy.configFile };
  }
  return { config: inferVisionConfig(weightsFile, manifest.tensors), described: describedBy.shapes };
}

/** What training leaves beside the weights: averages of them, and how many batches the statistics are from. */
function isTrainingState(name: string): boolean {
  return name.startsWith('ema_') || name.endsWith('.num_batches_tracked');
}

/** Statistics of batch norms are no parameters. */
function isStatistic(name: string): boolean {
  return name.endsWith('.running_mean') || name.endsWith('.running_var');
}
