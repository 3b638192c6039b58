import { spawnSync } from 'node:child_process';
import path from 'node:path';

const main = path.resolve(__dirname, '../../dist/cli/main.js');

/** Runs `skipscan` as a user does. */
export function run(args: string[], input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
    input,
  });
  return { status, stdout, stderr };
}

/** What it prints with `--json`; nothing else may be said, and nothing may fail. */
export function json(args: string[]) {
  const { status, stdout, stderr } = run([...args, '--json']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
}
