import { join } from 'node:path';
import { badCheckpoint } from '../errors';
import { summarizeNames } from './files';
import { isCommit, RepoCache } from './hub-cache';
import { HubClient } from './hub-client';
import { bring, downloadError, hubSettings, offlineError } from './hub-settings';
import type { OpenOptions } from './types';

const kind = 'data set';

/**
 * Brings one split of a data set of the hub into the local cache. What is complete there is used without the network.
 *
 * @param id such as `allenai/ai2_arc`
 * @param files of the split, by their paths in the repository: one file, or all the parts of `...-00000-of-00003...`
 * @returns the paths of the local files, in their order
 * @throws SkipscanError ERR_CHECKPOINT where the repository has no such files or several that it can be, or where it cannot be
 *   downloaded; or the signal's reason
 */
export async function downloadDataset(
  id: string,
  files: RegExp,
  options: OpenOptions = {},
): Promise<string[]> {
  const settings = await hubSettings(options);
  const { revision, cacheDir, endpoint } = settings;
  const cache = new RepoCache(cacheDir, id, 'dataset');
  const paths = (commit: string, names: string[]) => names.map((name) => join(cache.snapshot(commit), name));
  const commit = isCommit(revision) ? revision : await cache.commitOf(revision);
  const cached = commit && splitOf(await cache.presentDeep(commit), files);
  if (commit && cached) return paths(commit, cached);
  if (settings.offline) throw offlineError(id, settings, kind);
  const client = new HubClient(id, revision, kind, endpoint, options.signal);
  try {
    const latest = await client.commit();
    const listing = await client.files(latest);
    const names = splitOf([...listing.keys()], files);
    if (!names) throw undecided(id, [...listing.keys()], files);
    const needed = names.map((name) => listing.get(name)!);
    const total = needed.reduce((sum, { size }) => sum + size, 0);
    let done = 0;
    const received = (bytes: number) => {
      done += bytes;
      options.onProgress?.(done, total);
    };
    for (const file of needed) await bring(client, cache, latest, file, received, options.signal);
    if (revision !== latest) await cache.setCommit(revision, latest);
    return paths(latest, names);
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw downloadError(id, settings, cause);
  }
}

/** The one file that fits, or all the numbered parts of one. */
function splitOf(names: string[], files: RegExp): string[] | undefined {
  const found = names.filter((name) => files.test(name)).sort();
  if (found.length === 1 && partOf(found[0])?.count === undefined) return found;
  const parts = found.map(partOf);
  const isWhole = parts.every(
    (part, i) => part && part.index === i && part.count === found.length && part.of === parts[0]?.of,
  );
  return found.length > 0 && isWhole ? found : undefined;
}

function partOf(name: string): { of: string; index: number; count: number } | undefined {
  const [, before, index, count, after] = /^(.*)-(\d{5})-of-(\d{5})(.*)$/.exec(name) ?? [];
  return before === undefined
    ? undefined
    : { of: before + after, index: Number(index), count: Number(count) };
}

function undecided(id: string, names: string[], files: RegExp): Error {
  const found = names.filter((name) => files.test(name));
  const problem =
    found.length === 0
      ? `none that fits. Its files: ${summarizeNames(names) || 'none'}`
      : `${found.length} that fit and are not the parts of one: ${summarizeNames(found)}`;
  return badCheckpoint(
    id,
    `expected one file whose path fits ${files.source} but found ${problem}. Download what you mean, and pass it as a local file.`,
  );
}
