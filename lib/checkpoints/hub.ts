import { join } from 'node:path';
import { badCheckpoint, describe, invalidArgument, SkipscanError } from '../errors';
import { acceptedWeights, chooseWeights, fileNames, isShardIndex } from './directory';
import { isCommit, type RemoteFile, RepoCache } from './hub-cache';
import { HubClient, HubUnreachable } from './hub-client';
import { readWeightMap } from './sharded';
import type { OpenOptions } from './types';

const optionalFiles = [fileNames.generationConfig, fileNames.tokenizer, fileNames.tokenizerConfig];

/** True for `organisation/name` as the hub allows it. */
export function isHubId(source: string): boolean {
  return /^[A-Za-z0-9_][\w.-]*\/[A-Za-z0-9_][\w.-]*$/.test(source) && !/\.\.|--/.test(source);
}

/**
 * Brings a model of the hub into the local cache and returns the directory that holds it.
 *
 * A revision that is complete in the cache is used as it is, without the network: a branch keeps meaning the commit it
 * had when it was downloaded. Only the files that a checkpoint consists of are downloaded.
 *
 * Environment: `HF_ENDPOINT` (another server), `HF_TOKEN` (for private and gated models), `HF_HUB_OFFLINE`.
 *
 * @throws SkipscanError ERR_CHECKPOINT, or the signal's reason
 */
export async function downloadCheckpoint(id: string, options: OpenOptions): Promise<string> {
  const { revision = 'main', offline = isOfflineByEnvironment(), signal } = options;
  if (!/^\w[\w.-]*(\/\w[\w.-]*)*$/.test(revision) || revision.includes('..')) {
    throw invalidArgument('revision', 'a branch, a tag or a commit', revision);
  }
  const { getHFHubCachePath, HUB_URL } = await import('@huggingface/hub');
  const cacheDir = options.cacheDir ?? getHFHubCachePath();
  const cache = new RepoCache(cacheDir, id);
  const commit = isCommit(revision) ? revision : await cache.commitOf(revision);
  const state = commit ? await cachedState(cache, commit) : 'missing';
  if (commit && (state === 'complete' || (state === 'usable' && offline))) return cache.snapshot(commit);
  if (offline) {
    throw badCheckpoint(
      id,
      `revision ${describe(revision)} is not (completely) in the cache ${cacheDir}, and offline mode is on. Load it once` +
        ' with the network, or pass the directory of a checkpoint.',
    );
  }
  const client = new HubClient(id, revision, process.env.HF_ENDPOINT || HUB_URL, signal);
  try {
    const latest = await download(client, cache, options);
    if (revision !== latest) await cache.setCommit(revision, latest);
    return cache.snapshot(latest);
  } catch (cause) {
    signal?.throwIfAborted();
    if (commit && state === 'usable' && cause instanceof HubUnreachable) return cache.snapshot(commit);
    if (cause instanceof SkipscanError) throw cause;
    throw badCheckpoint(
      id,
      `the download into ${cacheDir} failed: ${(cause as Error).message}. Files that were complete are kept; try again.`,
      { cause },
    );
  }
}

function isOfflineByEnvironment(): boolean {
  return /^(1|true|yes|on)$/i.test(process.env.HF_HUB_OFFLINE ?? '');
}

/**
 * What the cache has of a commit. `complete`: the weights, and every other file or the knowledge that it does not
 * exist. `usable`: the weights and config.json, but another program may have left out files that the model has.
 */
async function cachedState(cache: RepoCache, commit: string): Promise<'missing' | 'usable' | 'complete'> {
  const present = await cache.present(commit);
  const weights = chooseWeights(present);
  if (!weights || !present.has(fileNames.config)) return 'missing';
  for (const shard of await shardsOf(cache.snapshot(commit), weights)) {
    if (!present.has(shard)) return 'missing';
  }
  const absent = await cache.absent(commit);
  return optionalFiles.every((name) => present.has(name) || absent.has(name)) ? 'complete' : 'usable';
}

async function shardsOf(directory: string, weights: string): Promise<string[]> {
  if (!isShardIndex(weights)) return [];
  return [...new Set((await readWeightMap(join(directory, weights))).values())];
}

/** Downloads what the cache lacks of the revision and returns its commit. */
async function download(client: HubClient, cache: RepoCache, options: OpenOptions): Promise<string> {
  const commit = await client.commit();
  const listing = await client.files(commit);
  const weights = chooseWeights(new Set(listing.keys()));
  if (!weights) throw client.incomplete(`no weights that can be read (${acceptedWeights})`, listing.keys());
  const pick = (name: string): RemoteFile => {
    const file = listing.get(name);
    if (!file) throw client.incomplete(`no ${name}, which the checkpoint needs`, listing.keys());
    return file;
  };
  const present = await cache.present(commit);
  const bring = async (file: RemoteFile, received: (bytes: number) => void) => {
    if (present.has(file.name) || (await cache.link(commit, file))) received(file.size);
    else await cache.store(commit, file, () => client.open(commit, file.name), received, options.signal);
  };

  const names = [fileNames.config, ...optionalFiles.filter((name) => listing.has(name)), weights];
  // Only the index knows the shards, and with them the total, so it comes first.
  if (isShardIndex(weights)) await bring(pick(weights), () => {});
  const files = [...names, ...(await shardsOf(cache.snapshot(commit), weights))].map(pick);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  for (const file of files) {
    await bring(file, (bytes) => {
      done += bytes;
      options.onProgress?.(done, total);
    });
  }
  await cache.setAbsent(
    commit,
    optionalFiles.filter((name) => !listing.has(name)),
  );
  return commit;
}
