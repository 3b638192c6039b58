import { basename, dirname, extname, join } from 'node:path';
import { badCheckpoint } from '../errors';
import { isFile, listDirectory } from './files';
import { readJsonObject } from './json';
import { readSafetensors, readSafetensorsIndex } from './safetensors';
import { readTorch, readTorchIndex } from './torch';
import type { Checkpoint, Manifest } from './types';

/** The files of a checkpoint that are read besides the weights. */
export const fileNames = {
  config: 'config.json',
  generationConfig: 'generation_config.json',
  tokenizer: 'tokenizer.json',
  tokenizerConfig: 'tokenizer_config.json',
} as const;

type WeightsReader = {
  format: Manifest['format'];
  read(file: string): Promise<Manifest['tensors']>;
};

/** The names under which a directory offers weights, best first. An index names further files, the shards. */
const weightsNames: ReadonlyMap<string, WeightsReader> = new Map([
  ['model.safetensors', { format: 'safetensors', read: readSafetensors }],
  ['model.safetensors.index.json', { format: 'safetensors', read: readSafetensorsIndex }],
  ['pytorch_model.bin', { format: 'torch', read: readTorch }],
  ['pytorch_model.bin.index.json', { format: 'torch', read: readTorchIndex }],
]);

const singleFiles: ReadonlyMap<string, WeightsReader> = new Map([
  ['.safetensors', { format: 'safetensors', read: readSafetensors }],
  ['.bin', { format: 'torch', read: readTorch }],
  ['.pth', { format: 'torch', read: readTorch }],
  ['.pt', { format: 'torch', read: readTorch }],
]);

/** True for a file name with an ending that weights have. */
export function isWeightsName(name: string): boolean {
  return singleFiles.has(extname(name));
}

/** The weights to read among the files of a directory or repository; undefined when it has none. */
export function chooseWeights(names: ReadonlySet<string>): string | undefined {
  return [...weightsNames.keys()].find((name) => names.has(name));
}

/** True when `name` is an index of shards rather than weights. */
export function isShardIndex(name: string): boolean {
  return name.endsWith('.index.json');
}

/** One line for errors: what weights can be called. */
export const acceptedWeights = [...weightsNames.keys()].join(', ');

/** Opens the checkpoint in `directory`, choosing its weights. */
export async function openDirectory(directory: string): Promise<Checkpoint> {
  const names = await listDirectory(directory);
  const weights = chooseWeights(new Set(names));
  if (!weights) {
    const found =
      names.sort().slice(0, 20).join(', ') + (names.length > 20 ? `, and ${names.length - 20} more` : '');
    throw badCheckpoint(
      directory,
      `no weights were found; expected one of ${acceptedWeights}. The folder ${found ? `holds ${found}` : 'is empty'}.`,
    );
  }
  return openWeights(join(directory, weights), weightsNames.get(weights)!);
}

/** Opens the checkpoint of one weights file, with the other files beside it. */
export async function openFile(file: string): Promise<Checkpoint> {
  const reader = singleFiles.get(extname(file));
  if (!reader) {
    throw badCheckpoint(
      file,
      `the name of a weights file ends in ${[...singleFiles.keys()].join(', ')}; found ${JSON.stringify(basename(file))}.`,
    );
  }
  return openWeights(file, reader);
}

async function openWeights(file: string, { format, read }: WeightsReader): Promise<Checkpoint> {
  const directory = dirname(file);
  const configFile = join(directory, fileNames.config);
  if (!(await isFile(configFile))) {
    throw badCheckpoint(
      directory,
      `${fileNames.config} is missing beside ${basename(file)}. Copy it from the model's repository.`,
    );
  }
  const optional = async (name: string) => {
    const path = join(directory, name);
    return (await isFile(path)) ? path : undefined;
  };
  const generationConfigFile = await optional(fileNames.generationConfig);
  return {
    directory,
    config: await readJsonObject(configFile),
    configFile,
    manifest: { format, tensors: await read(file) },
    tokenizerFile: await optional(fileNames.tokenizer),
    tokenizerConfigFile: await optional(fileNames.tokenizerConfig),
    generationConfig:
      generationConfigFile === undefined ? undefined : await readJsonObject(generationConfigFile),
  };
}
