import { basename, dirname, extname, join } from 'node:path';
import { badCheckpoint } from '../errors';
import { fileIn, folderContents, isFile, listDirectory } from './files';
import { readJsonObject } from './json';
import { readSafetensors, readSafetensorsIndex } from './safetensors';
import { readTorch, readTorchIndex } from './torch';
import type { Checkpoint, FileSelection, Manifest } from './types';

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

/** One line for errors: what weights can be called. */
const acceptedWeights = [...weightsNames.keys()].join(', ');

/** What a checkpoint consists of. */
export const checkpointFiles: FileSelection = {
  kind: 'checkpoint',
  main: [...weightsNames.keys()],
  mainLacking: `no weights that can be read (${acceptedWeights})`,
  required: [fileNames.config],
  optional: [fileNames.generationConfig, fileNames.tokenizer, fileNames.tokenizerConfig],
};

/** Opens the checkpoint in `directory`, choosing its weights. */
export async function openDirectory(directory: string): Promise<Checkpoint> {
  const names = await listDirectory(directory);
  for (const [name, reader] of weightsNames) {
    if (names.includes(name)) return openWeights(join(directory, name), reader);
  }
  throw badCheckpoint(
    directory,
    `no weights were found; expected one of ${acceptedWeights}. ${folderContents(names)}`,
  );
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
  const generationConfigFile = await fileIn(directory, fileNames.generationConfig);
  return {
    directory,
    config: await readJsonObject(configFile),
    configFile,
    manifest: { format, tensors: await read(file) },
    tokenizerFile: await fileIn(directory, fileNames.tokenizer),
    tokenizerConfigFile: await fileIn(directory, fileNames.tokenizerConfig),
    generationConfig:
      generationConfigFile === undefined ? undefined : await readJsonObject(generationConfigFile),
  };
}
