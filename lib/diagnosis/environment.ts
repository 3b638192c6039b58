// The machine and Node.js, as far as they can be in the way.
import os from 'node:os';
import { availableProcessors, processorQuota } from '../processors';
import { type Check, failure, gibibytes, ok, warning } from './check';
import { oldest, type System, thisSystem } from './system';

/** The smallest published models take a tenth of it. */
const leastMemory = 2 ** 29;

export function checkSystem(system: System = thisSystem()): Check {
  const { platform, arch, libc, glibc } = system;
  const found = [`${platform}-${arch}`, glibc ? `glibc ${glibc}` : libc].filter(Boolean).join(', ');
  if (platform !== 'linux' && platform !== 'darwin') {
    return failure('system', { found, expected: 'linux or darwin', advice: 'On Windows use WSL.' });
  }
  if (libc === 'musl' || (glibc && isOlder(glibc, oldest.GLIBC))) {
    return warning('system', {
      found,
      expected: `glibc ${oldest.GLIBC} or newer, for which prebuilt binaries are`,
      advice: 'The package is built from source here; docs/install.md says what that needs.',
    });
  }
  return ok('system', found);
}

/** Whether version `a` comes before `b`, number by number. */
export function isOlder(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  const at = right.findIndex((part, i) => part !== (left[i] ?? 0));
  return at >= 0 && (left[at] ?? 0) < right[at];
}

export function checkProcessor(root = '/', processors = os.availableParallelism()): Check {
  const model = os.cpus()[0]?.model.trim() || os.arch();
  const threads = availableProcessors(root, processors);
  const quota = processorQuota(root);
  const limit =
    quota !== undefined && quota < processors
      ? `, of ${processors} processors, of whose time the container may use ${Number(quota.toFixed(2))}`
      : '';
  return ok('processor', `${model}, ${threads} thread${threads === 1 ? '' : 's'}${limit}`);
}

/** Bytes in all and free: of the machine, or what the container may use. */
type Memory = { total: number; available: number };

export function checkMemory({ total, available }: Memory = memory()): Check {
  if (available === 0) return ok('memory', gibibytes(total)); // unknown, as where /proc is not mounted
  const found = `${gibibytes(total)}, ${gibibytes(available)} available`;
  if (available >= leastMemory) return ok('memory', found);
  return warning('memory', {
    found,
    expected: `${gibibytes(leastMemory)} or more, for a small model`,
    advice: 'End other programs, or give the container more memory.',
  });
}

function memory(): Memory {
  const limit = process.constrainedMemory?.() || Number.POSITIVE_INFINITY;
  const available = process.availableMemory?.() ?? os.freemem();
  return { total: Math.min(limit, os.totalmem()), available };
}
