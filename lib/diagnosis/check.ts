import type { Finding } from './finding';

/** `warning`: works, but not all of it or not well. `skipped`: could not be looked at, because of a failure before it. */
export type Status = 'ok' | 'warning' | 'failure' | 'skipped';

/** One thing that was looked at. */
export type Check = { name: string; status: Status } & Finding;

export const ok = (name: string, found: string): Check => ({ name, status: 'ok', found });
export const warning = (name: string, finding: Finding): Check => ({ name, status: 'warning', ...finding });
export const failure = (name: string, finding: Finding): Check => ({ name, status: 'failure', ...finding });
export const skipped = (name: string, found: string): Check => ({ name, status: 'skipped', found });

/** What `look` finds; what it throws is a failure, told by the error's message, or what `grade` makes of that. */
export async function attempt(
  name: string,
  look: () => string | Promise<string>,
  grade: (name: string, finding: Finding) => Check = failure,
): Promise<Check> {
  try {
    return ok(name, await look());
  } catch (error) {
    return grade(name, { found: (error as Error).message });
  }
}

export const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
