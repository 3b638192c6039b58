// Where models of the hub are kept, and whether they may be downloaded.
import { access, mkdtemp, rmdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import { type HubSettings, hubSettings } from '../checkpoints/hub-settings';
import { type Check, gibibytes, ok, warning } from './check';

export async function checkHub(cacheDir?: string): Promise<Check> {
  let settings: HubSettings;
  try {
    settings = await hubSettings({ cacheDir });
  } catch (error) {
    return warning('hub cache', {
      found: `the package @huggingface/hub could not be loaded: ${(error as Error).message}`,
      expected: 'all dependencies to be installed, for models of the hub',
      advice: 'Install the package anew.',
    });
  }
  const { cacheDir: folder, offline, endpoint } = settings;
  if (!URL.canParse(endpoint)) {
    return warning('hub cache', {
      found: `the environment variable HF_ENDPOINT is '${endpoint}'`,
      expected: 'the address of a server, such as https://huggingface.co',
      advice: 'Correct the variable, or unset it.',
    });
  }
  const existing = await firstExisting(folder);
  const network = offline
    ? 'offline by the environment variable HF_HUB_OFFLINE: only what is there already can be loaded'
    : `downloads come from ${new URL(endpoint).host}, when a hub id is asked for`;
  try {
    await rmdir(await mkdtemp(path.join(existing, '.skipscan-')));
  } catch (error) {
    return warning('hub cache', {
      found: `${folder} cannot be written to (${(error as NodeJS.ErrnoException).code} at ${existing}); ${network}`,
      expected: 'a folder that this user may write to, for models of the hub',
      advice: 'Set the environment variable HF_HUB_CACHE, or the option cacheDir, to such a folder.',
    });
  }
  const { bavail, bsize } = await statfs(existing);
  return ok('hub cache', `${folder}, ${gibibytes(bavail * bsize)} free; ${network}`);
}

/** The folder itself, or that in which it would be made. */
async function firstExisting(folder: string): Promise<string> {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    try {
      await access(at);
      return at;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || at === path.dirname(at)) return at;
    }
  }
}
