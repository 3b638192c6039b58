import { badCheckpoint, describe, invalidArgument, SkipscanError } from '../errors';
import type { RemoteFile, RepoCache } from './hub-cache';
import type { HubClient } from './hub-client';
import type { OpenOptions } from './types';

/** Where repositories are looked for: the options, checked, and what the environment says where they say nothing. */
export type HubSettings = { revision: string; offline: boolean; cacheDir: string; endpoint: string };

export async function hubSettings(options: OpenOptions): Promise<HubSettings> {
  const { revision = 'main', offline = isOfflineByEnvironment() } = options;
  if (!/^\w[\w.-]*(\/\w[\w.-]*)*$/.test(revision) || revision.includes('..')) {
    throw invalidArgument('revision', 'a branch, a tag or a commit', revision);
  }
  const { getHFHubCachePath, HUB_URL } = await import('@huggingface/hub');
  const cacheDir = options.cacheDir ?? getHFHubCachePath();
  return { revision, offline, cacheDir, endpoint: process.env.HF_ENDPOINT || HUB_URL };
}

function isOfflineByEnvironment(): boolean {
  return /^(1|true|yes|on)$/i.test(process.env.HF_HUB_OFFLINE ?? '');
}

/** Adds a file to the cache's snapshot, downloading what no other snapshot has. */
export async function bring(
  client: HubClient,
  cache: RepoCache,
  commit: string,
  file: RemoteFile,
  received: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  if (await cache.link(commit, file)) received(file.size);
  else await cache.store(commit, file, () => client.open(commit, file.name), received, signal);
}

/** The error that something is not there and may not be downloaded. */
export function offlineError(id: string, { revision, cacheDir }: HubSettings, kind: string): SkipscanError {
  return badCheckpoint(
    id,
    `revision ${describe(revision)} is not (completely) in the cache ${cacheDir}, and offline mode is on. Load it once` +
      ` with the network, or pass the directory of a ${kind}.`,
  );
}

/** A failure of a download as an error that says what to do; those that do already stay as they are. */
export function downloadError(id: string, { cacheDir }: HubSettings, cause: unknown): SkipscanError {
  if (cause instanceof SkipscanError) return cause;
  return badCheckpoint(
    id,
    `the download into ${cacheDir} failed: ${(cause as Error).message}. Files that were complete are kept; try again.`,
    { cause },
  );
}
