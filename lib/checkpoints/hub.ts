import { join } from 'node:path';
import { chooseMain } from './choose-main';
import { isCommit, type RemoteFile, RepoCache } from './hub-cache';
import { HubClient, HubUnreachable } from './hub-client';
import { bring, downloadError, hubSettings, offlineError } from './hub-settings';
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
  const settings = await hubSettings(options);
  const { revision, offline, cacheDir, endpoint } = settings;
  const { signal } = options;
  const cache = new RepoCache(cacheDir, id);
  const commit = isCommit(revision) ? revision : await cache.commitOf(revision);
  const state = commit ? await cachedState(cache, id, commit, selection) : 'missing';
  if (commit && (state === 'complete' || (state === 'usable' && offline))) return cache.snapshot(commit);
  if (offline) throw offlineError(id, settings, selection.kind);
  const client = new HubClient(id, revision, selection.kind, endpoint, signal);
  try {
    const latest = await download(client, cache, id, selection, options);
    if (revision !== latest) await cache.setCommit(revision, latest);
    return cache.snapshot(latest);
  } catch (cause) {
    signal?.throwIfAborted();
    if (commit && state === 'usable' && cause instanceof HubUnreachable) return cache.snapshot(commit);
    throw downloadError(id, settings, cause);
  }
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
  const add = async (file: RemoteFile, received: (bytes: number) => void) => {
    if (present.has(file.name)) received(file.size);
    else await bring(client, cache, commit, file, received, options.signal);
  };

  const names = [...selection.required, ...selection.optional.filter((name) => listing.has(name)), main];
  // Only the index knows the shards, and with them the total, so it comes first.
  if (isShardIndex(main)) await add(pick(main), () => {});
  const files = [...names, ...(await shardsOf(cache.snapshot(commit), main))].map(pick);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  for (const file of files) {
    await add(file, (bytes) => {
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
