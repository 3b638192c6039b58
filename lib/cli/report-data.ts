import { continuationTask, type LanguageTaskName, type TextOptions, textTask } from '../evaluation';
import type { SweptTask } from '../evaluation/report';
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
import { imageTasks as imagesOf, languageTasks, namesFromOption, taskOptions } from './eval-tasks';

/** What a sweep measures a model on. */
export const dataOptions: Command['options'] = {
  tasks: taskOptions.tasks,
  text: {
    type: 'string',
    value: 'FILES',
    help: 'Bits per byte on windows of UTF-8 texts, with commas between the files.',
  },
  prompt: { type: 'string', value: 'N', help: 'With --text: tokens read of a window. Defaults to 384.' },
  continuation: { type: 'string', value: 'N', help: 'With --text: tokens scored. Defaults to 64.' },
  'last-tokens': {
    type: 'string',
    value: 'LIST',
    help: 'With --text: also the dense model given only so many of the last tokens of the prompts.',
  },
  data: {
    type: 'string',
    value: 'FILES',
    help:
      'With --tasks: a file of records, or a folder of such; defaults to the published data. Without: accuracy on JSONL records of ' +
      'context and continuation, with commas between the files.',
  },
  'data-revision': taskOptions['data-revision'],
  samples: {
    type: 'string',
    value: 'N',
    help: 'At most so many: of images drawn at random, of windows evenly spaced, of records the first ones. Defaults to all.',
  },
  protocol: {
    type: 'string',
    value: 'prefill|paper',
    help: 'Of prompts: reduce the context alone, or all in one pass as arXiv 2410.14725 does. Defaults to prefill.',
  },
};

const ofPrompts = [
  'tasks',
  'text',
  'prompt',
  'continuation',
  'last-tokens',
  'data',
  'data-revision',
  'protocol',
];
const ofTexts = ['prompt', 'continuation', 'last-tokens'];

/** Checks which of the options go together. */
export function checkData(folder: string | undefined, values: Values): void {
  const given = (names: string[]) => names.find((name) => values[name] !== undefined);
  const foreign = folder === undefined ? undefined : given(ofPrompts);
  if (foreign !== undefined) {
    throw new UsageError(
      `Received --${foreign} with a folder of images, but it is an option of language models.`,
    );
  }
  if (folder === undefined && given(['tasks', 'text', 'data']) === undefined) {
    throw new UsageError('Expected a folder of images, --tasks, --text or --data.');
  }
  taskNames(values);
  protocolOption(values);
  if (values['data-revision'] !== undefined && values.tasks === undefined) {
    throw new UsageError('Received --data-revision without --tasks.');
  }
  const without = values.text === undefined ? given(ofTexts) : undefined;
  if (without !== undefined) throw new UsageError(`Received --${without} without --text.`);
}

export async function imageTasks(
  model: VisionModel,
  folder: string,
  { samples, ...values }: Values,
): Promise<SweptTask[]> {
  const [{ task }] = await imagesOf(model, folder, { ...values, limit: samples });
  return [{ task }];
}

export async function promptTasks(
  model: LanguageModel,
  values: Values,
  signal: AbortSignal,
): Promise<SweptTask[]> {
  const names = taskNames(values);
  const given = await languageTasks(model, names, { ...values, limit: values.samples }, signal);
  const tasks: SweptTask[] = given.map(({ task }) => ({ task }));
  const texts = listOption(values, 'text');
  if (texts) tasks.push(await windowsTask(model, texts, values));
  for (const file of (names.length === 0 && listOption(values, 'data')) || []) {
    const options = { limit: wholeNumberOption(values, 'samples', 1), protocol: protocolOption(values) };
    tasks.push({ task: await continuationTask(model, file, options) });
  }
  const all = tasks.map(({ task }) => task.name);
  const twice = all.find((name, i) => all.indexOf(name) < i);
  if (twice === undefined) return tasks;
  throw new UsageError(`Two tasks are called ${twice}. Rename one of the files, or name each task once.`);
}

async function windowsTask(model: LanguageModel, files: string[], values: Values): Promise<SweptTask> {
  const prompt = wholeNumberOption(values, 'prompt', 1) ?? 384;
  const options: TextOptions = {
    prompt,
    continuation: wholeNumberOption(values, 'continuation', 1),
    windows: wholeNumberOption(values, 'samples', 1),
    protocol: protocolOption(values),
  };
  const lastTokens = (listOption(values, 'last-tokens') ?? []).map(
    (tokens) => wholeNumberOption({ 'last-tokens': tokens }, 'last-tokens', 1)!,
  );
  const long = lastTokens.find((tokens) => tokens >= prompt);
  if (long !== undefined) {
    throw new UsageError(
      `Expected less than the ${prompt} tokens of a prompt for --last-tokens but received ${long}.`,
    );
  }
  const shorter = lastTokens.map(async (tokens) => ({
    tokens,
    task: await textTask(model, files, { ...options, lastTokens: tokens }),
  }));
  return { task: await textTask(model, files, options), lastTokens: await Promise.all(shorter) };
}

function protocolOption(values: Values): 'prefill' | 'paper' | undefined {
  return choiceOption(values, 'protocol', ['prefill', 'paper']);
}

function taskNames(values: Values): readonly LanguageTaskName[] {
  return namesFromOption(values) ?? [];
}
