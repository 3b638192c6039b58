import { basename, dirname, extname } from 'node:path';
import { badCheckpoint } from '../errors';
import { fileNames } from './directory';
import { fileIn, folderContents, listDirectory } from './files';
import { openSource, type SourceKind } from './source';
import type { FileSelection, OpenOptions, TokenizerFiles } from './types';

/** Many models come without a tokenizer.json, so errors say where else to find one. */
const lacking =
  `no ${fileNames.tokenizer}; pass a source that has one (for state-spaces models EleutherAI/gpt-neox-20b), or make one` +
  ' with transformers (AutoTokenizer.from_pretrained(...).save_pretrained(...))';

const files: FileSelection = {
  kind: 'tokenizer',
  main: [fileNames.tokenizer],
  mainLacking: () => lacking,
  required: [],
  optional: [fileNames.tokenizerConfig],
};

const tokenizerSource: SourceKind<TokenizerFiles> = {
  argument: 'tokenizer',
  expected: 'a directory, a tokenizer.json or a hub id',
  example: 'EleutherAI/gpt-neox-20b',
  files,
  openDirectory,
  openFile,
};

/**
 * Finds the files of a tokenizer without reading them, by the same rules as a checkpoint.
 *
 * @param source a directory that has tokenizer.json, such a file itself, or a hub id such as
 *   `EleutherAI/gpt-neox-20b`, of which the branch `main` is used. A path that exists wins over a hub id of the same name.
 * @throws SkipscanError ERR_CHECKPOINT when there is no tokenizer, or it cannot be downloaded.
 */
export async function openTokenizer(
  source: string,
  options: Omit<OpenOptions, 'revision'> = {},
): Promise<TokenizerFiles> {
  // Callers may hand over the options of a model, whose revision says nothing about another repository.
  return openSource(source, tokenizerSource, { ...options, revision: undefined });
}

async function openDirectory(directory: string): Promise<TokenizerFiles> {
  const tokenizerFile = await fileIn(directory, fileNames.tokenizer);
  if (!tokenizerFile) {
    throw badCheckpoint(directory, `there is ${lacking}. ${folderContents(await listDirectory(directory))}`);
  }
  return withConfig(tokenizerFile);
}

async function openFile(file: string): Promise<TokenizerFiles> {
  if (extname(file) !== '.json') {
    throw badCheckpoint(
      file,
      `the name of a tokenizer file ends in .json; found ${JSON.stringify(basename(file))}. Pass a` +
        ` ${fileNames.tokenizer} or the folder that has it.`,
    );
  }
  return withConfig(file);
}

async function withConfig(tokenizerFile: string): Promise<TokenizerFiles> {
  return {
    tokenizerFile,
    tokenizerConfigFile: await fileIn(dirname(tokenizerFile), fileNames.tokenizerConfig),
  };
}
