import { type Command, UsageError, wholeNumberOption } from './command';
import { printable } from './printable';
import { reductionFromOptions } from './reduction';
import { imageReductionOptions } from './reduction-options';
import { describeReduction, percent, reportImageReduction } from './reduction-report';
import { loadVisionFromOptions, visionModelOptions } from './vision-model';

export const classify: Command = {
  usage: 'classify [options] IMAGE...',
  summary: 'Says what images show.',
  options: {
    ...visionModelOptions,
    top: { type: 'string', value: 'K', help: 'How many classes to print of each image. Defaults to 5.' },
    ...imageReductionOptions,
  },

  async run(images, values) {
    if (images.length === 0) throw new UsageError('Expected an image.');
    const topK = wholeNumberOption(values, 'top', 1) ?? 5;
    const makePolicy = reductionFromOptions(values);
    await using model = await loadVisionFromOptions(values);
    const policy = makePolicy?.(model.config);
    const found = await model.classify(images, { topK, reduction: policy });
    // Thresholds leave of every image something else: told of the first.
    const reduction = policy && (await reportImageReduction(model, policy, images[0]));
    const results = images.map((image, i) => ({ image, classes: found[i] }));
    if (values.json) {
      const { source, backend, dtype, device } = model;
      const report = { model: source, backend, dtype, device, images: results, reduction };
      process.stdout.write(`${JSON.stringify(report)}\n`);
      return;
    }
    for (const { image, classes } of results) {
      const lines = classes.map(
        ({ label, probability }) => `  ${percent(probability).padStart(7)}  ${printable(label)}\n`,
      );
      process.stdout.write(`${image}\n${lines.join('')}`);
    }
    if (reduction) process.stderr.write(`${describeReduction(reduction)}\n`);
  },
};
