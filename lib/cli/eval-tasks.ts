import { stat } from 'node:fs/promises';
import {
  imagenetSynsets,
  imagesTask,
  type LanguageTaskName,
  languageTask,
  languageTaskNames,
  openImageFolder,
  type Task,
} from '../evaluation';
import type { LanguageModel } from '../models/language-model';
import type { VisionModel } from '../models/vision-model';
import {
  type Command,
  choiceOption,
  listOption,
  UsageError,
  type Values,
  wholeNumberOption,
} from './command';
import { Progress } from './progress';

/** A task, and what its result says of the data besides the digest. */
export type GivenTask = { task: Task; data?: Record<string, unknown> };

export const taskOptions: Command['options'] = {
  tasks: {
    type: 'string',
    value: 'LIST',
    help: `Of a language model, with commas between them: ${languageTaskNames.join(', ')}.`,
  },
  data: {
    type: 'string',
    value: 'PATH',
    help: 'With --tasks: a folder with <task>.jsonl, .json or .parquet, or the file of one task. Defaults to the hub.',
  },
  'data-revision': {
    type: 'string',
    value: 'NAME',
    help: 'With --tasks: branch, tag or commit of the data sets on the hub. Defaults to main.',
  },
  protocol: {
    type: 'string',
    value: 'prefill|paper',
    help: 'With --tasks: reduce the context alone, or all in one pass as arXiv 2410.14725 does. Defaults to prefill.',
  },
  limit: {
    type: 'string',
    value: 'N',
    help: 'Only so many samples: the first records, or images drawn at random. Defaults to all.',
  },
  seed: { type: 'string', value: 'N', help: 'Of the draw of images. Defaults to 0.' },
};

const ofPrompts = ['data', 'data-revision', 'protocol', 'tokenizer', 'protect-last'];
const ofImages = ['seed', 'architecture', 'file', 'labels'];

/** The names of the tasks that are asked for, undefined for a folder of images; all options are checked that no model is needed for. */
export function taskNames(folder: string | undefined, values: Values): LanguageTaskName[] | undefined {
  const names = namesFromOption(values);
  if ((folder === undefined) === (names === undefined)) {
    throw new UsageError(
      `Expected a folder of images or --tasks${names === undefined ? '' : ', but received both'}.`,
    );
  }
  const foreign = (names ? ofImages : ofPrompts).find((option) => values[option] !== undefined);
  if (foreign !== undefined) {
    throw new UsageError(
      names
        ? `Received --${foreign} with --tasks, but it is an option of images.`
        : `Received --${foreign} with a folder of images, but it is an option of --tasks.`,
    );
  }
  choiceOption(values, 'protocol', ['prefill', 'paper']);
  wholeNumberOption(values, 'limit', 1);
  wholeNumberOption(values, 'seed', 0);
  return names;
}

/** The names of the option alone. */
export function namesFromOption(values: Values): LanguageTaskName[] | undefined {
  const names = listOption(values, 'tasks')?.map(
    (name) => choiceOption({ tasks: name }, 'tasks', languageTaskNames)!,
  );
  const twice = names?.find((name, i) => names.indexOf(name) < i);
  if (twice === undefined) return names;
  throw new UsageError(`Received ${twice} twice in --tasks.`);
}

export async function imageTasks(model: VisionModel, folder: string, values: Values): Promise<GivenTask[]> {
  const { labels, config } = model;
  const { numClasses } = config;
  const synsets = numClasses === 1000 ? await imagenetSynsets() : undefined;
  const found = await openImageFolder(folder, { numClasses, labels, synsets });
  const limit = wholeNumberOption(values, 'limit', 1);
  const task = await imagesTask(model, found, { limit, seed: wholeNumberOption(values, 'seed', 0) });
  return [{ task, data: { folder, classes: found.classes, naming: found.naming } }];
}

export async function languageTasks(
  model: LanguageModel,
  names: readonly LanguageTaskName[],
  values: Values,
  signal: AbortSignal,
): Promise<GivenTask[]> {
  const data = values.data as string | undefined;
  if (data !== undefined && names.length > 1 && (await isFile(data))) {
    throw new UsageError(
      `Expected a folder for --data, as there are ${names.length} tasks, but ${data} is a file.`,
    );
  }
  const tasks: GivenTask[] = [];
  for (const name of names) {
    const progress = new Progress(`downloading ${name}`);
    try {
      const task = await languageTask(model, name, {
        data,
        dataRevision: values['data-revision'] as string | undefined,
        cacheDir: values['cache-dir'] as string | undefined,
        offline: values.offline as boolean | undefined,
        limit: wholeNumberOption(values, 'limit', 1),
        protocol: choiceOption(values, 'protocol', ['prefill', 'paper']),
        onProgress: (done, total) => progress.update(done, total),
        signal,
      });
      tasks.push({ task });
    } finally {
      progress.end();
    }
  }
  return tasks;
}

async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
}
