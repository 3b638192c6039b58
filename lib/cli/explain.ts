import { writeWhole } from '../atomic-file';
import { type Command, positionalsOf, UsageError, type Values } from './command';
import { printable } from './printable';
import { reductionFromOptions } from './reduction';
import { imageReductionOptions } from './reduction-options';
import { describeReduction, percent, reportImageReduction } from './reduction-report';
import { loadVisionFromOptions, visionModelOptions } from './vision-model';

export const explain: Command = {
  usage: 'explain [options] IMAGE --output FILE',
  summary: 'Draws which parts of an image a reduction keeps, and why.',
  options: {
    ...visionModelOptions,
    output: { type: 'string', short: 'o', value: 'FILE', help: 'The picture to write, a PNG.' },
    ...imageReductionOptions,
    reduce: {
      ...imageReductionOptions.reduce,
      help: `${imageReductionOptions.reduce.help} Defaults to recommended, with --flops 0.3.`,
    },
  },

  async run(positionals, values) {
    const [image] = positionalsOf(positionals, ['an image']);
    const output = values.output as string | undefined;
    if (output === undefined) throw new UsageError('Expected --output, the PNG file to write.');
    const makePolicy = reductionFromOptions(withDefault(values))!;
    await using model = await loadVisionFromOptions(values);
    const policy = makePolicy(model.config);
    const { png } = await model.explain(image, { reduction: policy });
    await writeWhole(output, png);
    const [classes] = await model.classify(image, { reduction: policy });
    const reduction = await reportImageReduction(model, policy, image);
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ model: model.source, image, output, classes, reduction })}\n`);
      return;
    }
    const [{ label, probability }] = classes;
    process.stdout.write(
      `${printable(label)} (${percent(probability)})\n${describeReduction(reduction)}\nwritten to ${output}\n`,
    );
  },
};

/** The reduction that is drawn where none is asked for. */
function withDefault(values: Values): Values {
  if (values.reduce !== undefined) return values;
  return { ...values, reduce: 'recommended', flops: values.flops ?? '0.3' };
}
