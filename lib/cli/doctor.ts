import { type Check, diagnose, type Status } from '../diagnosis';
import type { Command } from './command';

const words: Record<Status, string> = { ok: 'ok', warning: 'warn', failure: 'FAIL', skipped: '-' };

export const doctor: Command = {
  usage: 'doctor [options]',
  summary: 'Looks at whether models run here, and says what was found, what was expected and what to do.',
  options: {},

  async run(_positionals, values) {
    const checks = await diagnose();
    const healthy = checks.every(({ status }) => status !== 'failure');
    process.stdout.write(
      values.json ? `${JSON.stringify({ healthy, checks })}\n` : checks.map(lines).join(''),
    );
    if (!healthy) process.exitCode = 1;
  },
};

/** A line for what was found, and one each for what was expected and what to do. */
function lines({ name, status, found, expected, advice }: Check): string {
  const margin = ' '.repeat(21);
  const more = [expected && `expected: ${expected}`, advice && `to do: ${advice}`].filter(Boolean);
  return [`${words[status].padEnd(4)}  ${name.padEnd(13)}  ${found}`, ...more]
    .map((text) => `${String(text).replaceAll('\n', `\n${margin}`)}\n`)
    .join(margin);
}
