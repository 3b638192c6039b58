// The cache of downloads never serves a part of a file, whatever ended the download.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Random } from '../../lib/text/random';
import { HubServer } from '../helpers/hub-server';
import { randomModel } from '../helpers/random-model';
import { spawnLimited, spawnScript } from '../helpers/spawned';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const { 'config.json': config, 'model.safetensors': data } = randomModel({
  family: 'mamba',
  dModel: 64,
  layers: 4,
  vocab: 100,
  dState: 16,
});
const weights = data as Buffer;
const entry = path.resolve(__dirname, '../../dist/index.js');
const load = (cacheDir: string, options = '') =>
  `await skipscan.loadLanguageModel('org/model', { cacheDir: ${JSON.stringify(cacheDir)}, device: 'cpu', ${options} })`;
let server: HubServer;
let env: Record<string, string | undefined>;

beforeAll(async () => {
  server = await HubServer.start({
    'org/model': { files: { 'config.json': Buffer.from(config) }, lfs: { 'model.safetensors': weights } },
  });
  env = { HF_ENDPOINT: server.url, HF_HUB_OFFLINE: undefined, HF_TOKEN: undefined };
});
beforeEach(() => {
  server.intercept = () => false;
});
afterAll(() => server.stop());

const repository = (cache: string) => path.join(cache, 'models--org--model');

test('kill -9 at any moment of a download', async () => {
  const random = new Random(11);
  const cache = path.join(files.path, 'killed');
  let incomplete = 0;
  for (let kill = 0; kill < 10; kill += 1) {
    rmSync(path.join(repository(cache), 'snapshots'), { recursive: true, force: true });
    for (const name of kill % 3 === 0 ? ['blobs', 'refs'] : [])
      rmSync(path.join(repository(cache), name), { recursive: true, force: true });
    // The weights come slowly, in pieces.
    server.intercept = (request, response) => {
      if (!/^\/[0-9a-f]{64}$/.test(request.url ?? '')) return false;
      void (async () => {
        for (let at = 0; at < weights.length && !response.destroyed; at += 8192) {
          response.write(weights.subarray(at, at + 8192));
          await setTimeout(4);
        }
        response.end();
      })();
      return true;
    };
    const { child, says, ended } = spawnScript(
      `console.log('ready'); ${load(cache)}; console.log('loaded');`,
      { env },
    );
    await says('ready');
    await setTimeout(60 + 340 * random.next());
    child.kill('SIGKILL');
    await ended;
    const blobs = path.join(repository(cache), 'blobs');
    const names = existsSync(blobs) ? readdirSync(blobs) : [];
    incomplete += names.filter((name) => name.endsWith('.incomplete')).length;
    server.intercept = () => false;
    const { status, stderr } = await spawnScript(`(${load(cache)}).dispose()`, { env }).ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  }
  expect(incomplete).toBeGreaterThan(0);
}, 120_000);

test('what a killed download has left is removed by a later one of the file', async () => {
  const cache = path.join(files.path, 'left');
  expect((await spawnScript(`(${load(cache)}).dispose()`, { env }).ended).status).toBe(0);
  const blobs = path.join(repository(cache), 'blobs');
  const [weightsName] = readdirSync(blobs).filter((name) => name.length === 64);
  rmSync(path.join(blobs, weightsName));
  const left = path.join(blobs, `${weightsName}.0.incomplete`);
  writeFileSync(left, 'half');
  utimesSync(left, 1, 1);
  expect((await spawnScript(`(${load(cache)}).dispose()`, { env }).ended).status).toBe(0);
  expect(readdirSync(blobs).sort()).toEqual(
    readdirSync(blobs)
      .filter((name) => !name.includes('.'))
      .sort(),
  );
  expect(readFileSync(path.join(blobs, weightsName)).equals(weights)).toBe(true);
});

test('a full disk (as a limit of the size of files)', async () => {
  const cache = path.join(files.path, 'full');
  const script = `const skipscan = require(${JSON.stringify(entry)});
    (async () => { ${load(cache)} })().catch(({ code, message }) => console.log(code, message));`;
  const { stdout } = await spawnLimited('ulimit -f 32', ['-e', script], { HF_ENDPOINT: server.url });
  expect(stdout).toMatch(
    /^ERR_CHECKPOINT org\/model: the download into .*full failed: EFBIG.*Files that were complete are kept; try again\.\n$/,
  );
  expect(readdirSync(path.join(repository(cache), 'blobs'))).toHaveLength(1);
});

test.each([
  [
    'that may not be written',
    'closed',
    /^ERR_CHECKPOINT org\/model: the download into .*closed failed: EACCES/,
  ],
  ['that is a file', 'file', /^ERR_CHECKPOINT org\/model: the download into .*file failed: ENOTDIR/],
])('a cache %s', async (_what, name, message) => {
  files.write('file', '');
  files.writeAll('closed', {});
  chmodSync(path.join(files.path, 'closed'), 0o555);
  chmodSync(files.path, 0o755);
  const cache = path.join(files.path, name);
  const { ended } = spawnScript(
    `try { ${load(cache)} } catch ({ code, message }) { console.log(code, message); }`,
    // Whoever is root may write everywhere, so somebody else tries.
    { env, uid: process.getuid?.() === 0 ? 65534 : undefined },
  );
  expect((await ended).stdout).toMatch(message);
});

test('no home directory: the cache is where the environment or the option says, and local models need none', async () => {
  const model = files.writeAll('local', { 'config.json': config, 'model.safetensors': weights });
  const none = path.join(files.path, 'nobody');
  const { ended } = spawnScript(
    `(await skipscan.loadLanguageModel(${JSON.stringify(model)}, { device: 'cpu' })).dispose();
     const code = await skipscan.loadLanguageModel('org/model', { offline: true }).catch(({ code }) => code);
     console.log(code);`,
    { env: { HOME: none, HF_HOME: undefined, HF_HUB_CACHE: undefined, XDG_CACHE_HOME: undefined } },
  );
  expect(await ended).toMatchObject({ status: 0, stdout: 'ERR_CHECKPOINT\n', stderr: '' });
  mkdirSync(none); // it was not made on the way
});
