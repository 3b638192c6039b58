import { basename, dirname, join } from 'node:path';
import { badCheckpoint, invalidArgument } from '../errors';
import { chooseMain } from './choose-main';
import { fileIn, folderContents, listDirectory } from './files';
import { readJsonObject } from './json';
import { isPlainFileName } from './sharded';
import { openSource, type SourceKind } from './source';
import type { FileSelection, OpenOptions, VisionCheckpoint } from './types';
import { isWeightsName, readManifest, weightsNames } from './weights-files';

const config = 'config.json';
/** Best first. */
const labels = ['labels.txt', 'labels.json'];

/** The authors publish a .pth of any name, and neither a config nor labels. */
const publishedFiles: FileSelection = {
  kind: 'checkpoint',
  main: weightsNames,
  mainEndings: [['.pth'], ['.safetensors', '.bin', '.pt']],
  mainLacking: () => `no weights that can be read (${weightsNames.join(', ')}, or a single .pth of any name)`,
  required: [],
  optional: [config, ...labels],
};

export type VisionOpenOptions = OpenOptions & {
  /** Which weights file of the folder or of the hub repository, where there are several. */
  file?: string;
};

/**
 * Finds the checkpoint of a vision model and reads its headers, as `openCheckpoint` does. It needs no config.json.
 *
 * @param source a weights file (.pth, .pt, .bin, .safetensors), a folder that holds one, or a hub id. Where a folder or a
 *   repository has several and none is called model.safetensors or pytorch_model.bin, `options.file` names one.
 * @throws SkipscanError `ERR_CHECKPOINT` when the checkpoint is missing, damaged, ambiguous, or claims what cannot be
 */
export async function openVisionCheckpoint(
  source: string,
  options: VisionOpenOptions = {},
): Promise<VisionCheckpoint> {
  const { file } = options;
  if (file !== undefined && !(typeof file === 'string' && isPlainFileName(file) && isWeightsName(file))) {
    throw invalidArgument(
      'file',
      'the name of a weights file (.pth, .pt, .bin, .safetensors), without folders,',
      file,
    );
  }
  return openSource(source, visionSource(file), options);
}

function visionSource(file?: string): SourceKind<VisionCheckpoint> {
  const files: FileSelection =
    file === undefined
      ? publishedFiles
      : { ...publishedFiles, main: [file], mainEndings: [], mainLacking: () => `no ${file}` };
  return {
    argument: 'source',
    expected: 'a weights file, a directory or a hub id',
    example: 'hustvl/Vim-tiny-midclstok',
    files,
    openDirectory: (directory) => openDirectory(directory, files),
    openFile: (path) => {
      if (file !== undefined && file !== basename(path)) {
        throw invalidArgument('file', `no other file than the source ${path}`, file);
      }
      return openFile(path);
    },
  };
}

async function openDirectory(directory: string, files: FileSelection): Promise<VisionCheckpoint> {
  const names = await listDirectory(directory);
  const main = chooseMain(files, names, directory);
  if (main !== undefined) return openFile(join(directory, main));
  throw badCheckpoint(directory, `the folder has ${files.mainLacking(names)}. ${folderContents(names)}`);
}

async function openFile(weightsFile: string): Promise<VisionCheckpoint> {
  const directory = dirname(weightsFile);
  const configFile = await fileIn(directory, config);
  const found = await Promise.all(labels.map((name) => fileIn(directory, name)));
  return {
    directory,
    weightsFile,
    config: configFile === undefined ? undefined : await readJsonObject(configFile),
    configFile,
    manifest: await readManifest(weightsFile),
    labelsFile: found.find((path) => path !== undefined),
  };
}
