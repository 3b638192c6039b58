import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

export const root = path.resolve(__dirname, '../..');

/** A program of examples/ that runs. */
export type Running = {
  child: ChildProcess;
  /** What it has printed so far. */
  output: { stdout: string; stderr: string };
  /** Resolves with the first match in what it prints to stdout. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Resolves when it has ended: its exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
};

/** Starts `node examples/<file> ...args`, in the repository, whose package.json makes `skipscan` the package that was built. */
export function startExample(
  file: string,
  args: string[],
  environment: Record<string, string> = {},
): Running {
  const child = spawn(process.execPath, [path.join(root, 'examples', file), ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  const printed = async (pattern: RegExp) => {
    for (;;) {
      const match = output.stdout.match(pattern);
      if (match) return match;
      const more = await Promise.race([once(child.stdout, 'data'), ended.then(() => undefined)]);
      if (more === undefined && !pattern.test(output.stdout))
        throw new Error(`ended without ${pattern}: ${output.stderr}`);
    }
  };
  return { child, output, printed, ended };
}

/** Runs one to its end. */
export async function runExample(file: string, args: string[], environment: Record<string, string> = {}) {
  const { output, ended } = startExample(file, args, environment);
  return { status: await ended, ...output };
}
