// Ctrl-C in the command line: the first ends the work where it can be gone on from, the second ends the program at once.
// That an evaluation goes on to the same result is in test/api/command-line-eval.test.ts.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { HubServer } from '../helpers/hub-server';
import { randomModel } from '../helpers/random-model';
import { spawnProgram, spawnScript } from '../helpers/spawned';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const interruptModule = path.resolve(__dirname, '../../dist/cli/interrupt.js');

test('the first is told to the work, the second is not', async () => {
  const { child, says, ended } = spawnScript(`
    const { interruptible } = require(${JSON.stringify(interruptModule)});
    setInterval(() => {}, 1000);
    await interruptible(async (signal) => {
      signal.addEventListener('abort', () => console.log(signal.reason.message));
      console.log('working');
      await new Promise(() => {});
    }, 'Go on.');`);
  await says('working');
  child.kill('SIGINT');
  await says('Interrupted. Go on.');
  expect(child.exitCode).toBeNull();
  child.kill('SIGINT');
  expect((await ended).signal).toBe('SIGINT');
});

test('a text that is being written ends with what there is of it', async () => {
  const { child, says, ended } = spawnProgram(['generate', 'Once', '-n', '100000', '--device', 'cpu']);
  await says('Once');
  await setTimeout(200);
  child.kill('SIGINT');
  const { status, stdout, stderr } = await ended;
  expect(status).toBe(0);
  expect(stdout.startsWith('Once')).toBe(true);
  expect(stderr).toMatch(/prompt tokens in/);
});

test('a download leaves no part of a file, and the next one completes it', async () => {
  const { 'config.json': config, 'model.safetensors': weights } = randomModel({
    family: 'mamba',
    dModel: 64,
    layers: 4,
    vocab: 100,
    dState: 16,
  });
  const server = await HubServer.start({
    'org/model': {
      files: { 'config.json': Buffer.from(config) },
      lfs: { 'model.safetensors': weights as Buffer },
    },
  });
  try {
    const cache = path.join(files.path, 'cache');
    const blobs = path.join(cache, 'models--org--model', 'blobs');
    // The storage sends half of the weights and then waits.
    let sent = false;
    server.intercept = (request, response) => {
      if (!/^\/[0-9a-f]{64}$/.test(request.url ?? '')) return false;
      response.write((weights as Buffer).subarray(0, 50_000));
      sent = true;
      return true;
    };
    const args = ['score', 'a', 'b', '--model', 'org/model', '--cache-dir', cache, '--device', 'cpu'];
    const env = { HF_ENDPOINT: server.url, HF_HUB_OFFLINE: undefined };
    const { child, ended } = spawnProgram(args, { env });
    while (!sent || readdirSync(blobs).every((name) => !name.endsWith('.incomplete'))) {
      expect(child.exitCode).toBeNull();
      await setTimeout(5);
    }
    child.kill('SIGINT');
    const { status, stderr } = await ended;
    expect({ status, stderr }).toEqual({
      status: 130,
      stderr:
        'skipscan: Interrupted. Files that were downloaded whole are kept in the cache; nothing else is left.\n',
    });
    expect(readdirSync(blobs)).toHaveLength(1);
    expect(existsSync(path.join(blobs, readdirSync(blobs)[0]))).toBe(true);

    server.intercept = () => false;
    const inspect = ['inspect', 'org/model', '--cache-dir', cache];
    expect(await spawnProgram(inspect, { env }).ended).toMatchObject({ status: 0, stderr: '' });
  } finally {
    await server.stop();
  }
});
