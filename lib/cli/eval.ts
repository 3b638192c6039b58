import {
  type Estimate,
  type EvaluatedReduction,
  evaluate,
  imagenetSynsets,
  openImageFolder,
  pairedDifference,
} from '../evaluation';
import type { VisionModel } from '../models/vision-model';
import { type Command, positionalsOf, UsageError, wholeNumberOption } from './command';
import { Progress } from './progress';
import { reductionFromOptions } from './reduction';
import { imageReductionOptions } from './reduction-options';
import { percent } from './reduction-report';
import { tableLines } from './table';
import { loadVisionFromOptions, visionModelOptions } from './vision-model';

export const evaluation: Command = {
  usage: 'eval [options] FOLDER',
  summary: 'Measures how often a vision model is right about a folder of images.',
  options: {
    ...visionModelOptions,
    batch: { type: 'string', value: 'N', help: 'Images of one pass. Defaults to 8.' },
    limit: { type: 'string', value: 'N', help: 'Only so many images, drawn at random. Defaults to all.' },
    seed: { type: 'string', value: 'N', help: 'Of that draw. Defaults to 0.' },
    ...imageReductionOptions,
    dense: {
      type: 'boolean',
      help: 'With --reduce: also without it on the same images, and the difference.',
    },
  },

  async run(positionals, values) {
    const [folder] = positionalsOf(positionals, ['a folder of images']);
    const batchSize = wholeNumberOption(values, 'batch', 1) ?? 8;
    const limit = wholeNumberOption(values, 'limit', 1);
    const seed = wholeNumberOption(values, 'seed', 0);
    const makePolicy = reductionFromOptions(values);
    if (values.dense && !makePolicy) throw new UsageError('Received --dense without --reduce.');
    await using model = await loadVisionFromOptions(values);
    const { images, classes, naming } = await openImageFolder(folder, await classNames(model));
    const policy = makePolicy?.(model.config);

    const progress = new Progress('evaluating', (count) => `${count} images`);
    const start = performance.now();
    const { seconds, ...evaluated } = await evaluate(model, images, {
      reductions: values.dense ? [undefined, policy] : [policy],
      batchSize,
      limit,
      seed,
      onProgress: (done, total) => {
        const rate = (1000 * done) / (performance.now() - start);
        progress.update(done, total, `${rate.toFixed(1)} images/s`);
      },
    }).finally(() => progress.end());
    const results = evaluated.results.map(({ ranks: _, ...result }) => result);
    const report = {
      model: model.source,
      folder,
      images: evaluated.images,
      classes,
      naming,
      backend: model.backend,
      dtype: model.dtype,
      device: model.device,
      seconds,
      imagesPerSecond: evaluated.images / seconds,
      results,
      ...(values.dense && { difference: differences(evaluated.results) }),
    };
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : evaluationText(report));
  },
};

type Report = {
  model: string;
  images: number;
  classes: number;
  naming: string;
  backend: string;
  dtype: string;
  seconds: number;
  imagesPerSecond: number;
  results: Omit<EvaluatedReduction, 'ranks'>[];
  difference?: Record<'top1' | 'top5', Estimate>;
};

/** How its images' folders may be named. */
async function classNames({ config: { numClasses }, labels }: VisionModel) {
  return { numClasses, labels, synsets: numClasses === 1000 ? await imagenetSynsets() : undefined };
}

/** Of the second result to the first, image by image. */
function differences([a, b]: EvaluatedReduction[]): Record<'top1' | 'top5', Estimate> {
  const among = (count: number, { ranks }: EvaluatedReduction) => ranks.map((rank) => Number(rank < count));
  const difference = (count: number) => pairedDifference(among(count, b), among(count, a));
  return { top1: difference(1), top5: difference(5) };
}

function evaluationText({ results, difference, ...o }: Report): string {
  const rows = [
    ['', 'top-1', 'top-5', 'FLOPs', 'images/s'],
    ...results.map(({ reduction, top1, top5, flopsRatio, imagesPerSecond }) => [
      reduction?.name ?? 'dense',
      plusMinus(top1, ' %'),
      plusMinus(top5, ' %'),
      percent(flopsRatio),
      imagesPerSecond.toFixed(1),
    ]),
    ...(difference
      ? [['difference', plusMinus(difference.top1, ' points'), plusMinus(difference.top5, ' points'), '', '']]
      : []),
  ];
  return (
    `${o.model}: ${o.images} images of ${o.classes} classes, folders by ${o.naming}\n` +
    `${o.seconds.toFixed(1)} s, ${o.imagesPerSecond.toFixed(1)} images/s with decoding (${o.backend}, ${o.dtype} weights)\n\n` +
    `${tableLines(rows).join('\n')}\n\n` +
    `With standard errors${difference ? '; the difference is taken image by image' : ''}. images/s: in the model, without decoding.\n`
  );
}

/** Shares in per cent: `81.25 ± 0.39 %`. */
function plusMinus({ mean, standardError }: Estimate, unit: string): string {
  return `${(100 * mean).toFixed(2)} ± ${(100 * standardError).toFixed(2)}${unit}`;
}
