import { openCheckpoint } from '../checkpoints';
import { parseConfig } from '../models/config';
import { type Command, positionalsOf } from './command';
import { modelOptions, shippedModel } from './model';
import { megabytes, Progress } from './progress';

export const inspect: Command = {
  usage: 'inspect [options] [SOURCE]',
  summary: "Prints a checkpoint's model and tensors without loading them.",
  options: { revision: modelOptions.revision, 'cache-dir': modelOptions['cache-dir'] },

  async run(positionals, values) {
    const [source] = positionals.length === 0 ? [shippedModel] : positionalsOf(positionals, ['a source']);
    const progress = new Progress('downloading');
    const checkpoint = await openCheckpoint(source, {
      revision: values.revision as string | undefined,
      cacheDir: values['cache-dir'] as string | undefined,
      onProgress: (done, total) => progress.update(done, total),
    }).finally(() => progress.end());
    const config = parseConfig(checkpoint.configFile, checkpoint.config);
    const tensors = [...checkpoint.manifest.tensors].map(([name, { dtype, shape, byteLength }]) => ({
      name,
      dtype,
      shape,
      byteLength,
    }));
    const bytes = tensors.reduce((n, tensor) => n + tensor.byteLength, 0);
    if (values.json) {
      const { format } = checkpoint.manifest;
      process.stdout.write(`${JSON.stringify({ source, files: format, config, bytes, tensors })}\n`);
      return;
    }
    const width = Math.max(...tensors.map(({ name }) => name.length));
    const shapes = tensors.map(({ shape }) => `[${shape.join(', ')}]`);
    const shapeWidth = Math.max(...shapes.map((shape) => shape.length));
    process.stdout.write(
      `${checkpoint.directory}\n` +
        `${config.family}, ${config.layers} layers, d_model ${config.dModel}, d_inner ${config.dInner}, d_state ${config.dState}, ` +
        `vocabulary ${config.vocabRows}, ${config.tiedHead ? 'tied' : 'untied'} head\n` +
        `${config.format} config, ${checkpoint.manifest.format} weights: ${tensors.length} tensors, ${megabytes(bytes)}\n\n`,
    );
    tensors.forEach(({ name, dtype }, i) => {
      process.stdout.write(`${name.padEnd(width)}  ${shapes[i].padEnd(shapeWidth)}  ${dtype}\n`);
    });
  },
};
