import { basename, dirname, extname, join } from 'node:path';
import { badCheckpoint } from '../errors';
import { fileState } from './file-state';
import { readSafetensors, readSafetensorsIndex } from './safetensors';
import { isShardIndex, readWeightMap } from './sharded';
import { readTorch, readTorchIndex } from './torch';
import type { FileState, Manifest } from './types';

type WeightsReader = {
  format: Manifest['format'];
  read(file: string): Promise<Manifest['tensors']>;
};

/** The names under which a folder offers weights, best first. An index names further files, the shards. */
const named: ReadonlyMap<string, WeightsReader> = new Map([
  ['model.safetensors', { format: 'safetensors', read: readSafetensors }],
  ['model.safetensors.index.json', { format: 'safetensors', read: readSafetensorsIndex }],
  ['pytorch_model.bin', { format: 'torch', read: readTorch }],
  ['pytorch_model.bin.index.json', { format: 'torch', read: readTorchIndex }],
]);

const byEnding: ReadonlyMap<string, WeightsReader> = new Map([
  ['.safetensors', { format: 'safetensors', read: readSafetensors }],
  ['.bin', { format: 'torch', read: readTorch }],
  ['.pth', { format: 'torch', read: readTorch }],
  ['.pt', { format: 'torch', read: readTorch }],
]);

export const weightsNames: readonly string[] = [...named.keys()];

/** True for a file name with an ending that weights have. */
export function isWeightsName(name: string): boolean {
  return byEnding.has(extname(name));
}

/** The tensors of a weights file, or of the shards that an index names. */
export async function readManifest(file: string): Promise<Manifest> {
  const name = basename(file);
  const reader = named.get(name) ?? byEnding.get(extname(name));
  if (!reader) {
    throw badCheckpoint(
      file,
      `the name of a weights file ends in ${[...byEnding.keys()].join(', ')}; found ${JSON.stringify(name)}.`,
    );
  }
  const files = await statesOf(file);
  return { format: reader.format, tensors: await reader.read(file), files };
}

/** The states of the files that are about to be read; what is wrong with them, their reader says. */
async function statesOf(file: string): Promise<FileState[]> {
  const shards = isShardIndex(basename(file)) ? new Set((await readWeightMap(file)).values()) : [];
  const files = [file, ...[...shards].map((shard) => join(dirname(file), shard))];
  return (await Promise.all(files.map(fileState))).filter((state) => state !== undefined);
}

/** True when the names are those of a vision model's tensors, as far as this package has such models. */
export function areVisionTensors({ tensors }: Manifest): boolean {
  return [...tensors.keys()].some((name) => /^(backbone\.)?patch_embed\./.test(name));
}

/** The same for a language model. */
export function areLanguageTensors({ tensors }: Manifest): boolean {
  return [...tensors.keys()].some((name) => /^(backbone\.embeddings?|lm_head)\./.test(name));
}
