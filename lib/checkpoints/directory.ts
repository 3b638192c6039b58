import { basename, dirname, join } from 'node:path';
import { badCheckpoint } from '../errors';
import { chooseMain } from './choose-main';
import { fileIn, folderContents, isFile, listDirectory } from './files';
import { readJsonObject } from './json';
import type { Checkpoint, FileSelection } from './types';
import { areVisionTensors, isWeightsName, readManifest, weightsNames } from './weights-files';

/** The files of a checkpoint that are read besides the weights. */
export const fileNames = {
  config: 'config.json',
  generationConfig: 'generation_config.json',
  tokenizer: 'tokenizer.json',
  tokenizerConfig: 'tokenizer_config.json',
} as const;

/** What the checkpoint of a language model consists of. */
export const checkpointFiles: FileSelection = {
  kind: 'checkpoint',
  main: weightsNames,
  mainLacking: (names) => `no weights that can be read (${weightsNames.join(', ')})${hint(names)}`,
  required: [fileNames.config],
  optional: [fileNames.generationConfig, fileNames.tokenizer, fileNames.tokenizerConfig],
};

/** Weights of other names are those of a vision model more often than not. */
function hint(names: readonly string[]): string {
  return names.some(isWeightsName) ? '; those of a vision model are loaded with loadVisionModel()' : '';
}

/** Opens the checkpoint in `directory`, choosing its weights. */
export async function openDirectory(directory: string): Promise<Checkpoint> {
  const names = await listDirectory(directory);
  const main = chooseMain(checkpointFiles, names, directory);
  if (main !== undefined) return openFile(join(directory, main));
  throw badCheckpoint(
    directory,
    `no weights were found; expected one of ${weightsNames.join(', ')}${hint(names)}. ${folderContents(names)}`,
  );
}

/** Opens the checkpoint of one weights file, with the other files beside it. */
export async function openFile(file: string): Promise<Checkpoint> {
  const directory = dirname(file);
  const configFile = join(directory, fileNames.config);
  const manifest = await readManifest(file);
  if (!(await isFile(configFile))) {
    throw badCheckpoint(
      directory,
      areVisionTensors(manifest)
        ? `${basename(file)} holds a vision model. Load it with loadVisionModel().`
        : `${fileNames.config} is missing beside ${basename(file)}. Copy it from the model's repository.`,
    );
  }
  const generationConfigFile = await fileIn(directory, fileNames.generationConfig);
  return {
    directory,
    config: await readJsonObject(configFile),
    configFile,
    manifest,
    tokenizerFile: await fileIn(directory, fileNames.tokenizer),
    tokenizerConfigFile: await fileIn(directory, fileNames.tokenizerConfig),
    generationConfig:
      generationConfigFile === undefined ? undefined : await readJsonObject(generationConfigFile),
  };
}
