import { continuationTask, imagenetSynsets, imagesTask, openImageFolder, textTask } from '../evaluation';
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

/** What a sweep measures a model on. */
export const dataOptions: Command['options'] = {
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
    help: 'Accuracy on JSONL records of context and continuation, with commas between the files.',
  },
  samples: {
    type: 'string',
    value: 'N',
    help: 'At most so many: of images drawn at random, of windows evenly spaced, of records the first. Defaults to all.',
  },
  protocol: {
    type: 'string',
    value: 'prefill|paper',
    help: 'Of prompts: reduce the context alone, or all in one pass as arXiv 2410.14725 does. Defaults to prefill.',
  },
};

const ofPrompts = ['text', 'prompt', 'continuation', 'last-tokens', 'data', 'protocol'];
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
  if (folder === undefined && values.text === undefined && values.data === undefined) {
    throw new UsageError('Expected a folder of images, --text or --data.');
  }
  const without = values.text === undefined ? given(ofTexts) : undefined;
  if (without !== undefined) throw new UsageError(`Received --${without} without --text.`);
}

export async function imageTasks(model: VisionModel, folder: string, values: Values): Promise<SweptTask[]> {
  const { labels, config } = model;
  const { numClasses } = config;
  const synsets = numClasses === 1000 ? await imagenetSynsets() : undefined;
  const found = await openImageFolder(folder, { numClasses, labels, synsets });
  const limit = wholeNumberOption(values, 'samples', 1);
  return [{ task: await imagesTask(model, found, { limit }) }];
}

export async function promptTasks(model: LanguageModel, values: Values): Promise<SweptTask[]> {
  const protocol = choiceOption(values, 'protocol', ['prefill', 'paper']);
  const samples = wholeNumberOption(values, 'samples', 1);
  const tasks: SweptTask[] = [];
  const texts = listOption(values, 'text');
  if (texts) {
    const prompt = wholeNumberOption(values, 'prompt', 1) ?? 384;
    const continuation = wholeNumberOption(values, 'continuation', 1) ?? 64;
    const options = { prompt, continuation, windows: samples, protocol };
    const lastTokens = (listOption(values, 'last-tokens') ?? []).map(
      (n) => wholeNumberOption({ 'last-tokens': n }, 'last-tokens', 1)!,
    );
    const long = lastTokens.find((tokens) => tokens >= prompt);
    if (long !== undefined) {
      throw new UsageError(
        `Expected less than the ${prompt} tokens of a prompt for --last-tokens but received ${long}.`,
      );
    }
    const task = await textTask(model, texts, options);
    const shorter: { tokens: number; task: typeof task }[] = [];
    for (const tokens of lastTokens) {
      shorter.push({ tokens, task: await textTask(model, texts, { ...options, lastTokens: tokens }) });
    }
    tasks.push({ task, lastTokens: shorter });
  }
  for (const file of listOption(values, 'data') ?? []) {
    tasks.push({ task: await continuationTask(model, file, { limit: samples, protocol }) });
  }
  const names = tasks.map(({ task }) => task.name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice === undefined) return tasks;
  throw new UsageError(`Two tasks are called ${twice}. Rename one of the files.`);
}
