import { dirname, join } from 'node:path';
import { badCheckpoint, describe, shorten } from '../errors';
import { listDirectory } from './files';
import { isRecord, readJsonObject } from './json';
import type { TensorEntry } from './types';

const maxIndexBytes = 64 << 20;

/** True when `name` is an index of shards rather than weights. */
export function isShardIndex(name: string): boolean {
  return name.endsWith('.index.json');
}

/** An index names its shards as files beside it; a name that could lead anywhere else is refused. */
export function isPlainFileName(name: string): boolean {
  return /^[^/\\\0]+$/.test(name) && name !== '.' && name !== '..';
}

/** The `weight_map` of a shard index: tensor name -> file name beside the index. */
export async function readWeightMap(indexFile: string): Promise<Map<string, string>> {
  return weightMapOf(indexFile, await readJsonObject(indexFile, maxIndexBytes));
}

/** The same for an index that was read. */
export function weightMapOf(
  indexFile: string,
  { weight_map: weightMap }: Record<string, unknown>,
): Map<string, string> {
  if (!isRecord(weightMap)) {
    throw badCheckpoint(indexFile, `expected an object "weight_map", found ${describe(weightMap)}.`);
  }
  const shards = new Map<string, string>();
  for (const [tensor, shard] of Object.entries(weightMap)) {
    if (typeof shard !== 'string' || !isPlainFileName(shard)) {
      throw badCheckpoint(
        indexFile,
        `tensor ${describe(tensor)} is said to be in ${describe(shard)}; expected the plain name of a file beside the` +
          ' index, without folders.',
      );
    }
    shards.set(tensor, shard);
  }
  return shards;
}

/**
 * Reads every shard of an index once and returns the tensors that the index lists.
 *
 * @param readShard reads one shard: its tensors by name.
 */
export async function readSharded(
  indexFile: string,
  readShard: (file: string) => Promise<Map<string, TensorEntry>>,
): Promise<Map<string, TensorEntry>> {
  const weightMap = await readWeightMap(indexFile);
  const directory = dirname(indexFile);
  const names = await listDirectory(directory);
  return readShards(indexFile, weightMap, names, (shard) => readShard(join(directory, shard)));
}

/**
 * The tensors of a `weight_map`, each from its shard.
 *
 * @param names what lies beside the index
 * @param readShard reads the shard of that name
 */
export async function readShards(
  indexFile: string,
  weightMap: ReadonlyMap<string, string>,
  names: readonly string[],
  readShard: (name: string) => Promise<Map<string, TensorEntry>>,
): Promise<Map<string, TensorEntry>> {
  const shards = [...new Set(weightMap.values())];
  const present = new Set(names);
  const missing = shards.filter((shard) => !present.has(shard));
  if (missing.length > 0) {
    throw badCheckpoint(
      indexFile,
      `${missing.length} of the files it names ${missing.length === 1 ? 'is' : 'are'} missing: ` +
        `${shorten(missing.slice(0, 10).join(', '), 300)}. Download them into the same folder.`,
    );
  }
  const contents = new Map<string, Map<string, TensorEntry>>();
  for (const shard of shards) contents.set(shard, await readShard(shard));
  const tensors = new Map<string, TensorEntry>();
  for (const [name, shard] of weightMap) {
    const entry = contents.get(shard)?.get(name);
    if (!entry)
      throw badCheckpoint(
        indexFile,
        `tensor ${describe(name)} should be in ${shorten(shard)}, but is not there.`,
      );
    tensors.set(name, entry);
  }
  return tensors;
}
