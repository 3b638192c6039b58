import { join } from 'node:path';
import { badCheckpoint, describe, invalidArgument, SkipscanError } from '../errors';
import { chooseMain } from './choose-main';
import { isCommit, type RemoteFile, RepoCache } from './hub-cache';
import { HubClient, HubUnreachable } from './hub-client';
import { isShardIndex, readWeightMap } from './sharded';
import type { FileSelection, OpenOptions } from './types';

/** True for `organisation/name` as the hub allows it. */
export function isHubId(source: string): boolean {
  return /^[A-Za-z0-9_][\w.-]*\/[A-Za-z0-9_][\w.-]*$/.test(source) && !/\.\.|--/.test(source);
}

/**
 * Brings files of a model of the hub into the local cache and returns the directory that holds them.
 *
 * A revision that is complete in the cache is used as it is, without the network: a branch keeps meaning the commit it
 * had when it was downloaded. Only the selected files are downloaded.
 *
 * Environment: `HF_ENDPOINT` (another server), `HF_TOKEN` (for private and gated models), `HF_HUB_OFFLINE`.
 *
 * @throws SkipscanError ERR_CHECKPOINT, or the signal's reason
 */
export async function downloadFiles(
  id: string,
  selection: FileSelection,
  options: OpenOptions,
): Promise<string> {
  const { revision = 'main', offline = isOfflineByEnvironment(), signal } = options;
  if (!/^\w[\w.-]*(\/\w[\w.-]*)*$/.test(revision) || revision.includes('..')) {
    throw invalidArgument('revision', 'a branch, a tag or a commit', revision);
  }
  const { getHFHubCachePath, HUB_URL } = await import('@huggingface/hub');
  const cacheDir = options.cacheDir ?? getHFHubCachePath();
  const cache = new RepoCache(cacheDir, id);
  const commit = isCommit(revision) ? revision : await cache.commitOf(revision);
  const state = commit ? await cachedState(cache, id, commit, selection) : 'missing';
  if (commit && (state === 'complete' || (state === 'usable' && offline))) return cache.snapshot(commit);
  if (offline) {
    throw badCheckpoint(
      id,
      `revision ${describe(revision)} is not (completely) in the cache ${cacheDir}, and offline mode is on. Load it once` +
        ` with the network, or pass the directory of a ${selection.kind}.`,
    );
  }
  const client = new HubClient(id, revision, selection.kind, process.env.HF_ENDPOINT || HUB_URL, signal);
  try {
    const latest = await download(client, cache, id, selection, options);
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
 * What the cache has of a commit. `complete`: all that is selected, or the knowledge that an optional file does not
 * exist. `usable`: all but optional files, which another program may have left out though the repository has them.
 */
async function cachedState(
  cache: RepoCache,
  id: string,
  commit: string,
  selection: FileSelection,
): Promise<'missing' | 'usable' | 'complete'> {
  const present = await cache.present(commit);
  const main = chooseMain(selection, present, id);
  if (!main) return 'missing';
  const needed = [...selection.required, ...(await shardsOf(cache.snapshot(commit), main))];
  if (!needed.every((name) => present.has(name))) return 'missing';
  const absent = await cache.absent(commit);
  const isSettled = (name: string) => present.has(name) || absent.has(name);
  // That it is the only one of its kind is known where the whole listing was seen, which noted those it did not have.
  const isChosen = selection.main.includes(main) || selection.main.every((name) => absent.has(name));
  return isChosen && selection.optional.every(isSettled) ? 'complete' : 'usable';
}

async function shardsOf(directory: string, main: string): Promise<string[]> {
  if (!isShardIndex(main)) return [];
  return [...new Set((await readWeightMap(join(directory, main))).values())];
}

/** Downloads what the cache lacks of the revision and returns its commit. */
async function download(
  client: HubClient,
  cache: RepoCache,
  id: string,
  selection: FileSelection,
  options: OpenOptions,
): Promise<string> {
  const commit = await client.commit();
  const listing = await client.files(commit);
  const main = chooseMain(selection, listing.keys(), id);
  if (!main) throw client.incomplete(selection.mainLacking([...listing.keys()]), listing.keys());
  const pick = (name: string): RemoteFile => {
    const file = listing.get(name);
    if (!file) throw client.incomplete(`no ${name}, which the ${selection.kind} needs`, listing.keys());
    return file;
  };
  const present = await cache.present(commit);
  const bring = async (file: RemoteFile, received: (bytes: number) => void) => {
    if (present.has(file.name) || (await cache.link(commit, file))) received(file.size);
    else await cache.store(commit, file, () => client.open(commit, file.name), received, options.signal);
  };

  const names = [...selection.required, ...selection.optional.filter((name) => listing.has(name)), main];
  // Only the index knows the shards, and with them the total, so it comes first.
  if (isShardIndex(main)) await bring(pick(main), () => {});
  const files = [...names, ...(await shardsOf(cache.snapshot(commit), main))].map(pick);
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
    [...selection.optional, ...(selection.main.includes(main) ? [] : selection.main)].filter(
      (name) => !listing.has(name),
    ),
  );
  return commit;
}
