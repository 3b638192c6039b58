import { spawnSync } from 'node:child_process';
import path from 'node:path';

const entry = path.resolve(__dirname, '../../dist/index.js');

/**
 * Runs the body of an asynchronous function, which may use `skipscan` and `failure(promise)`, in a process with these further
 * environment variables; what it returns comes back as JSON.
 */
export function inChild<Result>(environment: Record<string, string>, body: string): Result {
  const program = `
    const skipscan = require(${JSON.stringify(entry)});
    const failure = (promise) => promise.then(() => undefined, ({ code, message }) => ({ code, message }));
    (async () => { ${body} })().then((result) => console.log(JSON.stringify(result)));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', program], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  if (status !== 0) throw new Error(stderr || `exit code ${status}`);
  return JSON.parse(stdout);
}
