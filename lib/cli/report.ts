import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { writeWhole } from '../atomic-file';
import { publishedFor } from '../evaluation/published';
import {
  journalsOf,
  metricTables,
  type Report,
  reportMarkdown,
  runSweep,
  type SweepOptions,
  type SweptTask,
  taskPlots,
} from '../evaluation/report';
import type { LanguageModel } from '../models/language-model';
import type { VisionModel } from '../models/vision-model';
import { packageVersion } from '../version';
import { type Command, UsageError, type Values, wholeNumberOption } from './command';
import { describeModel, identityOf } from './describe-model';
import { interruptible } from './interrupt';
import { loadFromOptions, modelOptions } from './model';
import { TimedProgress } from './progress';
import { checkData, dataOptions, imageTasks, promptTasks } from './report-data';
import { sweepFromOptions, sweepOptions } from './sweep-options';
import { tableLines } from './table';
import { loadVisionFromOptions, visionModelOptions } from './vision-model';

export const report: Command = {
  usage: 'report [options] [FOLDER]',
  summary: 'Measures what many policies cost a model, and writes tables and plots.',
  options: {
    ...visionModelOptions,
    ...modelOptions,
    out: {
      type: 'string',
      short: 'o',
      value: 'DIR',
      help: 'Where to write report.md, report.json and plots.',
    },
    ...dataOptions,
    batch: { type: 'string', value: 'N', help: 'Samples of one pass. Defaults to 8.' },
    ...sweepOptions,
  },

  async run(positionals, values) {
    const [folder, more] = positionals;
    if (more !== undefined) throw new UsageError(`Received '${more}' after a folder of images.`);
    if (values.out === undefined) throw new UsageError('Expected --out, the folder to write to.');
    checkData(folder, values);
    const batchSize = wholeNumberOption(values, 'batch', 1) ?? 8;
    const makeSweep = sweepFromOptions(values);
    const out = values.out as string;

    await using model = await (folder === undefined
      ? loadFromOptions(values)
      : loadVisionFromOptions(values));
    const sweep = makeSweep(model.config);
    mkdirSync(out, { recursive: true });
    const options: SweepOptions = { batchSize, journals: { folder: out, identity: identityOf(model) } };

    const result: Report = {
      skipscan: packageVersion,
      command: commandLine(positionals, values),
      model: describeModel(model, values),
      ...(folder === undefined && { protocol: values.protocol === 'paper' ? 'paper' : 'prefill' }),
      sweep,
      tasks: [],
    };
    const tasks = await interruptible(async (signal) => {
      const tasks = await (folder === undefined
        ? promptTasks(model as LanguageModel, values, signal)
        : imageTasks(model as VisionModel, folder, values));
      for (const task of tasks) {
        result.tasks.push(await sweepWithProgress(task, result, model, { ...options, signal }));
      }
      return tasks;
    }, 'What is done is kept in the folder of --out: the same command goes on from there.');
    await write(out, result, model);
    for (const task of tasks) for (const file of journalsOf(task, options)) rmSync(file, { force: true });
    process.stdout.write(
      values.json ? `${JSON.stringify(result)}\n` : `${summary(result)}written to ${out}\n`,
    );
  },
};

async function sweepWithProgress(
  task: SweptTask,
  { sweep }: Report,
  { config }: LanguageModel | VisionModel,
  o: SweepOptions,
) {
  let stage: { name: string; progress: TimedProgress } | undefined;
  const onProgress = (name: string, done: number, total: number) => {
    if (stage?.name !== name) {
      stage?.progress.end();
      stage = { name, progress: new TimedProgress(name, (count) => `${count} steps`) };
    }
    stage.progress.update(done, total);
  };
  try {
    return await runSweep(task, sweep, config, { ...o, onProgress });
  } finally {
    stage?.progress.end();
  }
}

/** What was typed, in the order of the options; not where it is written to, which changes nothing. */
function commandLine(positionals: readonly string[], values: Values): string {
  const options = Object.keys(report.options).flatMap((name) => {
    const value = name === 'out' ? undefined : values[name];
    if (value === undefined) return [];
    return value === true ? [`--${name}`] : [`--${name} ${quoted(String(value))}`];
  });
  return ['skipscan report', ...positionals.map(quoted), ...options, '--out DIR'].join(' ');
}

function quoted(text: string): string {
  return /^[\w./,:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

async function write(out: string, result: Report, { config }: LanguageModel | VisionModel): Promise<void> {
  const file = (name: string, text: string) => writeWhole(path.join(out, name), text);
  const names: Record<string, string[]> = {};
  for (const task of result.tasks) {
    const plots = taskPlots(task, result.sweep);
    names[task.task] = Object.keys(plots);
    for (const [name, svg] of Object.entries(plots)) await file(name, svg);
  }
  await file('report.json', `${JSON.stringify(result)}\n`);
  await file('report.md', reportMarkdown(result, names, publishedFor(config)));
}

/** The first table of each task. */
function summary({ tasks, sweep }: Report): string {
  return tasks
    .map((task) => {
      const [{ title, columns, rows }] = metricTables(task, sweep, task.metrics[0]);
      const lines = tableLines([['', ...columns], ...rows.map(({ name, cells }) => [name, ...cells])]);
      return `${task.task}, ${task.samples} samples: ${title}\n\n${lines.join('\n')}\n\n`;
    })
    .join('');
}
