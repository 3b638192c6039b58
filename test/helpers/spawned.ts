import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(__dirname, '../..');

/** What a process has said and how it ended. */
export type Ended = { status: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string };

/** A process that a test runs beside itself, to send signals to. */
export type Spawned = {
  child: ChildProcess;
  /** Resolves when it has printed so; rejects when it ends before. */
  says(text: string): Promise<void>;
  ended: Promise<Ended>;
};

export type SpawnOptions = { env?: Record<string, string | undefined>; preload?: string; uid?: number };

/** Runs `skipscan` with these arguments. */
export function spawnProgram(args: readonly string[], options?: SpawnOptions): Spawned {
  return start([path.join(root, 'dist/cli/main.js'), ...args], options);
}

/** Runs the body of an asynchronous function that may use `skipscan` and `require`. */
export function spawnScript(body: string, options?: SpawnOptions): Spawned {
  const entry = JSON.stringify(path.join(root, 'dist/index.js'));
  return start(['-e', `const skipscan = require(${entry}); (async () => { ${body} })();`], options);
}

/** Runs a command of the shell, which limits what the processes in it may use: `ulimit -f 8 && node ...`. */
export function spawnLimited(limits: string, args: readonly string[], env = {}): Promise<Ended> {
  const command = `${limits} && exec "$@"`;
  const child = spawn('bash', ['-c', command, 'bash', process.execPath, ...args], {
    env: { ...process.env, ...env },
  });
  return watched(child).ended;
}

function start(args: readonly string[], { env = {}, preload, uid }: SpawnOptions = {}): Spawned {
  const required = preload === undefined ? [] : ['--require', preload];
  return watched(spawn(process.execPath, [...required, ...args], { env: { ...process.env, ...env }, uid }));
}

function watched(child: ChildProcess): Spawned {
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.on('data', (piece) => {
      output[name] += piece;
    });
  }
  const ended = new Promise<Ended>((resolve) =>
    child.on('close', (status, signal) => resolve({ status, signal, ...output })),
  );
  const says = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (output.stdout.includes(text)) resolve();
      };
      child.stdout!.on('data', look);
      look();
      void ended.then(({ stderr }) => reject(new Error(`it ended without saying ${text}: ${stderr}`)));
    });
  return { child, says, ended };
}
