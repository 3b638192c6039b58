import { openCheckpoint, openVisionCheckpoint } from '../checkpoints';
import { areVisionTensors } from '../checkpoints/weights-files';
import { type LanguageModelConfig, parseConfig } from '../models/config';
import { isVision, type ModelConfig } from '../models/model-config';
import type { VisionConfig } from '../models/vision-config';
import { configFor } from '../models/vision-load';
import { type Command, positionalsOf, type Values } from './command';
import { shippedModel } from './model';
import { printable } from './printable';
import { megabytes, Progress } from './progress';
import { architectureOption, visionModelOptions } from './vision-model';

const { architecture, file, revision, 'cache-dir': cacheDir, offline } = visionModelOptions;

export const inspect: Command = {
  usage: 'inspect [options] [SOURCE]',
  summary: "Prints a checkpoint's model and tensors without loading them.",
  options: { architecture, file, revision, 'cache-dir': cacheDir, offline },

  async run(positionals, values) {
    const [source] = positionals.length === 0 ? [shippedModel] : positionalsOf(positionals, ['a source']);
    const { directory, config, configFormat, manifest } = await open(source, values);
    const tensors = [...manifest.tensors].map(([name, { dtype, shape, byteLength }]) => ({
      name,
      dtype,
      shape,
      byteLength,
    }));
    const bytes = tensors.reduce((n, tensor) => n + tensor.byteLength, 0);
    if (values.json) {
      const { format } = manifest;
      process.stdout.write(`${JSON.stringify({ source, files: format, config, bytes, tensors })}\n`);
      return;
    }
    const width = Math.max(...tensors.map(({ name }) => name.length));
    const shapes = tensors.map(({ shape }) => `[${shape.join(', ')}]`);
    const shapeWidth = Math.max(...shapes.map((shape) => shape.length));
    process.stdout.write(
      `${directory}\n${describeModel(config)}\n` +
        `${configFormat}, ${manifest.format} weights: ${tensors.length} tensors, ${megabytes(bytes)}\n\n`,
    );
    tensors.forEach(({ name, dtype }, i) => {
      process.stdout.write(`${printable(name).padEnd(width)}  ${shapes[i].padEnd(shapeWidth)}  ${dtype}\n`);
    });
  },
};

/** A checkpoint of either kind, which its tensors' names tell. */
async function open(source: string, values: Values) {
  const name = architectureOption(values);
  const progress = new Progress('downloading');
  const options = {
    revision: values.revision as string | undefined,
    cacheDir: values['cache-dir'] as string | undefined,
    offline: values.offline as boolean | undefined,
    onProgress: (done: number, total: number) => progress.update(done, total),
  };
  try {
    const found = await openVisionCheckpoint(source, { ...options, file: values.file as string | undefined });
    if (areVisionTensors(found.manifest)) {
      const { config } = configFor(found, name);
      const teller = name ?? (found.configFile === undefined ? "the tensors' shapes" : 'config.json');
      return { ...found, config, configFormat: `sizes by ${teller}` };
    }
    const checkpoint = await openCheckpoint(source, options);
    const config = parseConfig(checkpoint.configFile, checkpoint.config);
    return { ...checkpoint, config, configFormat: `${config.format} config` };
  } finally {
    progress.end();
  }
}

function describeModel(config: ModelConfig): string {
  const { family, layers, dModel, dInner, dState } = config;
  const sizes = `${family}, ${layers} layers, d_model ${dModel}, d_inner ${dInner}, d_state ${dState}`;
  return `${sizes}, ${isVision(config) ? visionPart(config) : languagePart(config)}`;
}

function languagePart({ vocabRows, tiedHead }: LanguageModelConfig): string {
  return `vocabulary ${vocabRows}, ${tiedHead ? 'tied' : 'untied'} head`;
}

function visionPart({ grid, patchSize, stride, imageSize, numClasses }: VisionConfig): string {
  const every = stride === patchSize ? '' : `, one every ${stride},`;
  return `${grid.join(' x ')} patches of ${patchSize} pixels${every} in ${imageSize.join(' x ')}, ${numClasses} classes`;
}
