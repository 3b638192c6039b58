import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/**
 * How many threads can run at once: processors that the process may use, but no more than the container's quota of processor
 * time allows, since threads that wait for each other are stopped together once it is used up.
 */
export function availableProcessors(root = '/', processors = os.availableParallelism()): number {
  const quota = process.platform === 'linux' ? processorQuota(root) : undefined;
  return quota === undefined ? processors : Math.max(1, Math.min(processors, Math.ceil(quota)));
}

/** Processors' worth of time that control groups grant this process; absent where they set no limit. */
export function processorQuota(root = '/'): number | undefined {
  const limits = groupsOf(root).flatMap(({ controllers, group }) => {
    const limit =
      controllers === ''
        ? (folder: string) => quotaOf(read(folder, 'cpu.max'))
        : (folder: string) =>
            quotaOf(`${read(folder, 'cpu.cfs_quota_us')} ${read(folder, 'cpu.cfs_period_us')}`);
    const base = path.join(root, 'sys/fs/cgroup', controllers === '' ? '' : 'cpu');
    return ancestors(group).map((one) => limit(path.join(base, one)));
  });
  const set = limits.filter((limit) => limit !== undefined);
  return set.length > 0 ? Math.min(...set) : undefined;
}

/** Lines `number:controllers:group`; version 2 has no controllers. */
function groupsOf(root: string): { controllers: string; group: string }[] {
  return read(root, 'proc/self/cgroup')
    .split('\n')
    .map((line) => line.match(/^\d+:([^:]*):(\/.*)$/))
    .filter((match) => match !== null)
    .map(([, controllers, group]) => ({ controllers, group }))
    .filter(({ controllers }) => controllers === '' || controllers.split(',').includes('cpu'));
}

/** `/a/b`, `/a`, `/`: a limit of any of them holds. A container may see the last alone. */
function ancestors(group: string): string[] {
  const parts = group.split('/').filter(Boolean);
  return Array.from({ length: parts.length + 1 }, (_, i) => `/${parts.slice(0, parts.length - i).join('/')}`);
}

/** Of `quota period` in microseconds; `max` and -1 are no limit. */
function quotaOf(text: string): number | undefined {
  const [quota, period] = text.trim().split(/\s+/).map(Number);
  return quota > 0 && period > 0 ? quota / period : undefined;
}

function read(folder: string, name: string): string {
  try {
    return readFileSync(path.join(folder, name), 'utf8');
  } catch {
    return '';
  }
}
