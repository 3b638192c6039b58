import { rmSync } from 'node:fs';
import { writeWhole } from '../atomic-file';
import { runTask } from '../evaluation';
import type { LanguageModel } from '../models/language-model';
import type { VisionModel } from '../models/vision-model';
import type { Policy } from '../reduction';
import { packageVersion } from '../version';
import { type Command, UsageError, wholeNumberOption } from './command';
import { describeModel, identityOf } from './describe-model';
import { type GivenTask, imageTasks, languageTasks, taskNames, taskOptions } from './eval-tasks';
import { publishedText, resultText } from './eval-text';
import { interruptible } from './interrupt';
import { loadFromOptions, modelOptions } from './model';
import { duration, TimedProgress } from './progress';
import { reductionFromOptions } from './reduction';
import { reductionOptions } from './reduction-options';
import { loadVisionFromOptions, visionModelOptions } from './vision-model';

export const evaluation: Command = {
  usage: 'eval [options] FOLDER | eval [options] --tasks LIST',
  summary: 'Measures a vision model on a folder of images, or a language model on published tasks.',
  options: {
    ...visionModelOptions,
    ...modelOptions,
    model: {
      ...modelOptions.model,
      help: 'A folder, a weights file or a hub id. Defaults to the small models that ship with skipscan.',
    },
    ...taskOptions,
    batch: { type: 'string', value: 'N', help: 'Samples that are measured at once. Defaults to 8.' },
    ...reductionOptions,
    dense: {
      type: 'boolean',
      help: 'With --reduce: also without it on the same samples, and the difference.',
    },
    out: {
      type: 'string',
      short: 'o',
      value: 'FILE',
      help: 'Write the result as JSON too. Run again after an interruption, the command goes on where it was.',
    },
  },

  async run(positionals, values) {
    const [folder, more] = positionals;
    if (more !== undefined) throw new UsageError(`Received '${more}' after a folder of images.`);
    const names = taskNames(folder, values);
    const batchSize = wholeNumberOption(values, 'batch', 1) ?? 8;
    const makePolicy = reductionFromOptions(values);
    if (values.protocol && !makePolicy) throw new UsageError('Received --protocol without --reduce.');
    const out = values.out as string | undefined;
    const advice =
      out === undefined
        ? 'With --out FILE, what is done is kept, and the same command goes on from there.'
        : 'What is done is kept: the same command goes on from there.';

    await using model = await (names ? loadFromOptions(values) : loadVisionFromOptions(values));
    const policy = makePolicy?.(model.config);
    const reductions = values.dense && policy ? [undefined, policy] : [policy];
    const start = performance.now();
    const { tasks, results } = await interruptible(async (signal) => {
      const tasks = names
        ? await languageTasks(model as LanguageModel, names, values, signal)
        : await imageTasks(model as VisionModel, folder, values);
      const results = [];
      for (const given of tasks) {
        results.push(await run(given, { reductions, batchSize, signal }, model, out));
      }
      return { tasks, results };
    }, advice);
    const seconds = (performance.now() - start) / 1000;

    const report = {
      skipscan: packageVersion,
      model: { ...describeModel(model, values), device: model.device },
      ...(names && { protocol: values.protocol ?? 'prefill' }),
      tasks: results,
    };
    const json = `${JSON.stringify(report)}\n`;
    if (out !== undefined) {
      await writeWhole(out, json);
      for (const { task } of tasks) rmSync(journalFile(out, task.name), { force: true });
    }
    const text = tasks.map(({ task }, i) => `${resultText(task, results[i])}\n`).join('');
    const published = publishedText(model.config, results);
    process.stdout.write(
      values.json ? json : `${headingText(report, tasks)}\n${text}${published}${endText(seconds)}`,
    );
  },
};

/** Where a task's samples that are done are kept until the result is. */
function journalFile(out: string, task: string): string {
  return `${out}.${task}.journal.jsonl`;
}

async function run(
  { task, data }: GivenTask,
  o: { reductions: (Policy | undefined)[]; batchSize: number; signal: AbortSignal },
  model: LanguageModel | VisionModel,
  out?: string,
) {
  const identity = identityOf(model);
  const progress = new TimedProgress(task.name, () => `${task.samples} samples`);
  try {
    const result = await runTask(task, {
      ...o,
      journal: out === undefined ? undefined : { file: journalFile(out, task.name), identity },
      onProgress: (done, total) => progress.update(done, total),
    });
    return { ...result, ...(data && { data }) };
  } finally {
    progress.end();
  }
}

function headingText(
  { model: { source, backend, dtype } }: { model: ReturnType<typeof describeModel> },
  [{ data }]: readonly GivenTask[],
): string {
  const folders = data ? `, ${data.classes} classes, folders by ${data.naming}` : '';
  return `${source} (${backend}, ${dtype} weights)${folders}\n`;
}

function endText(seconds: number): string {
  return `With standard errors; a difference is taken sample by sample. ${duration(seconds)}.\n`;
}
