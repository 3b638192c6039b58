import { createHash, randomBytes } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scanCacheDir } from '@huggingface/hub';
import { openCheckpoint } from '../../../lib/checkpoints';
import { commitHash, HubServer } from '../../helpers/hub-server';
import { checkpointError } from '../../helpers/rejection';
import { f32, safetensorsFile } from '../../helpers/safetensors-file';
import { TemporaryDirectory } from '../../helpers/temporary';

const temporary = new TemporaryDirectory();
const weights = safetensorsFile({ a: f32([100_000], Array(100_000).fill(1)) });
const small = (name: string) => safetensorsFile({ [name]: f32([1], [1]) });
const text = (value: string) => Buffer.from(value);
const config = text('{"model_type": "mamba2"}');
const tokenizer = text('{"model": {}}');
const weightMap = (map: Record<string, string>) => text(JSON.stringify({ weight_map: map }));

const models = {
  'org/single': {
    files: {
      'README.md': text('# not needed'),
      'config.json': config,
      'tokenizer.json': tokenizer,
      'tokenizer_config.json': text('{}'),
    },
    lfs: { 'model.safetensors': weights, 'pytorch_model.bin': text('not needed') },
    refs: ['v1', 'refs/pr/1'],
  },
  'org/sharded': {
    files: {
      'config.json': config,
      'model.safetensors.index.json': weightMap({ a: 'one.safetensors', b: 'two.safetensors' }),
    },
    lfs: { 'one.safetensors': small('a'), 'two.safetensors': small('b'), 'three.safetensors': small('c') },
  },
  'org/gated': {
    files: { 'config.json': config },
    lfs: { 'model.safetensors': weights },
    token: 'hf_secret',
  },
  'org/incomplete': {
    files: { 'config.json': config, 'model.safetensors.index.json': weightMap({ a: 'gone.safetensors' }) },
  },
  'org/escaping': {
    files: { 'config.json': config, 'model.safetensors.index.json': weightMap({ a: '../escaped' }) },
  },
  'org/unconfigured': { files: {}, lfs: { 'model.safetensors': small('a') } },
  'org/weightless': { files: { 'config.json': config, 'model.gguf': text('GGUF') } },
  'org/empty-file': {
    files: { 'config.json': config, 'tokenizer_config.json': Buffer.alloc(0) },
    lfs: { 'model.safetensors': small('a') },
  },
};

let server: HubServer;
/** An address where nobody listens any more. */
let refusing: string;
let cacheDir: string;
const environment = { ...process.env };

beforeAll(async () => {
  server = await HubServer.start(models);
  const stopped = await HubServer.start({});
  refusing = stopped.url;
  await stopped.stop();
});
afterAll(() => server.stop());

beforeEach(() => {
  cacheDir = join(temporary.path, randomBytes(4).toString('hex'));
  server.intercept = () => false;
  server.requests.length = 0;
  server.storageTokens.length = 0;
  for (const name of ['HF_TOKEN', 'HF_HUB_OFFLINE']) delete process.env[name];
  process.env.HF_ENDPOINT = server.url;
});
afterEach(() => {
  process.env = { ...environment };
});

const snapshot = (id: string) => join(cacheDir, `models--${id.replace('/', '--')}`, 'snapshots', commitHash);
const requestsFor = (part: string) => server.requests.filter((request) => request.includes(part));

describe('a hub id', () => {
  test('is downloaded, with only the files that are needed', async () => {
    const checkpoint = await openCheckpoint('org/single', { cacheDir });
    const directory = snapshot('org/single');
    expect(checkpoint.directory).toBe(directory);
    expect(checkpoint.manifest.tensors.get('a')).toMatchObject({ byteLength: 400_000, dtype: 'f32' });
    expect(checkpoint.tokenizerFile).toBe(join(directory, 'tokenizer.json'));
    expect(readdirSync(directory).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect(readFileSync(join(directory, 'model.safetensors')).equals(weights)).toBe(true);
    expect(requestsFor('resolve')).toHaveLength(4);
  });

  test('reports the progress over all files', async () => {
    const seen: [done: number, total: number][] = [];
    await openCheckpoint('org/single', { cacheDir, onProgress: (...progress) => seen.push(progress) });
    const total = weights.length + config.length + tokenizer.length + 2;
    expect(seen.length).toBeGreaterThan(4);
    expect(new Set(seen.map(([, all]) => all))).toEqual(new Set([total]));
    expect(seen.map(([done]) => done)).toEqual(seen.map(([done]) => done).sort((a, b) => a - b));
    expect(seen.at(-1)).toEqual([total, total]);
  });

  test('is not asked for again once it is in the cache', async () => {
    const first = await openCheckpoint('org/single', { cacheDir });
    server.requests.length = 0;
    const onProgress = jest.fn();
    expect(await openCheckpoint('org/single', { cacheDir, onProgress })).toEqual(first);
    expect(await openCheckpoint('org/single', { cacheDir, revision: commitHash })).toEqual(first);
    expect(await openCheckpoint('org/single', { cacheDir, offline: true })).toEqual(first);
    expect(server.requests).toEqual([]);
    expect(onProgress).not.toHaveBeenCalled();
  });

  test('may have shards', async () => {
    const seen: number[] = [];
    const { manifest } = await openCheckpoint('org/sharded', {
      cacheDir,
      onProgress: (done) => seen.push(done),
    });
    expect([...manifest.tensors.keys()]).toEqual(['a', 'b']);
    expect(requestsFor('safetensors').map((request) => request.split('/').pop())).toEqual([
      'model.safetensors.index.json',
      'one.safetensors',
      'two.safetensors',
    ]);
    server.requests.length = 0;
    await openCheckpoint('org/sharded', { cacheDir });
    expect(server.requests).toEqual([]);
    rmSync(join(snapshot('org/sharded'), 'two.safetensors'));
    await openCheckpoint('org/sharded', { cacheDir });
    expect(existsSync(join(snapshot('org/sharded'), 'two.safetensors'))).toBe(true);
  });

  test.each(['v1', 'refs/pr/1', commitHash])('is downloaded at the revision %s', async (revision) => {
    expect((await openCheckpoint('org/single', { cacheDir, revision })).directory).toBe(
      snapshot('org/single'),
    );
    expect(existsSync(join(cacheDir, 'models--org--single', 'refs', revision))).toBe(revision !== commitHash);
  });

  test('shares contents between revisions', async () => {
    await openCheckpoint('org/single', { cacheDir });
    server.requests.length = 0;
    rmSync(snapshot('org/single'), { recursive: true });
    await openCheckpoint('org/single', { cacheDir, revision: 'v1' });
    expect(requestsFor('resolve')).toEqual([]);
  });

  test('may be loaded twice at the same time', async () => {
    const load = () => openCheckpoint('org/single', { cacheDir });
    const [first, second] = await Promise.all([load(), load()]);
    expect(first).toEqual(second);
    expect(readdirSync(join(cacheDir, 'models--org--single', 'blobs'))).toHaveLength(4);
  });

  test('may have an empty file', async () => {
    const { tokenizerConfigFile } = await openCheckpoint('org/empty-file', { cacheDir });
    expect(readFileSync(tokenizerConfigFile!)).toHaveLength(0);
  });

  test('is kept in the layout that other Hugging Face libraries share', async () => {
    await openCheckpoint('org/single', { cacheDir });
    const { repos, warnings } = await scanCacheDir(cacheDir);
    expect(warnings).toEqual([]);
    expect(repos.map(({ id }) => id)).toEqual([{ name: 'org/single', type: 'model' }]);
    expect(repos[0].revisions.map(({ commitOid, refs, files }) => [commitOid, refs, files.length])).toEqual([
      [commitHash, ['main'], 4],
    ]);
    const sha256 = createHash('sha256').update(weights).digest('hex');
    expect(existsSync(join(cacheDir, 'models--org--single', 'blobs', sha256))).toBe(true);
    expect(lstatSync(join(snapshot('org/single'), 'config.json')).isSymbolicLink()).toBe(true);
  });

  test('is found in a cache that another program filled with less', async () => {
    mkdirSync(snapshot('org/single'), { recursive: true });
    writeFileSync(join(snapshot('org/single'), 'config.json'), config);
    writeFileSync(join(snapshot('org/single'), 'model.safetensors'), weights);
    mkdirSync(join(cacheDir, 'models--org--single', 'refs'));
    writeFileSync(join(cacheDir, 'models--org--single', 'refs', 'main'), `${commitHash}\n`);

    expect((await openCheckpoint('org/single', { cacheDir, offline: true })).tokenizerFile).toBeUndefined();
    process.env.HF_ENDPOINT = refusing;
    expect((await openCheckpoint('org/single', { cacheDir })).tokenizerFile).toBeUndefined();
    process.env.HF_ENDPOINT = server.url;
    expect((await openCheckpoint('org/single', { cacheDir })).tokenizerFile).toBeDefined();
    expect(requestsFor('resolve').map((request) => request.split('/').pop())).toEqual([
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });

  test('uses the cache named by the environment', async () => {
    process.env.HF_HUB_CACHE = cacheDir;
    expect((await openCheckpoint('org/sharded')).directory).toBe(snapshot('org/sharded'));
  });
});

describe('offline', () => {
  test.each([
    ['the option', { offline: true }, undefined],
    ['HF_HUB_OFFLINE=1', {}, '1'],
    ['HF_HUB_OFFLINE=TRUE', {}, 'TRUE'],
  ])('%s never touches the network', async (_what, options, variable) => {
    if (variable) process.env.HF_HUB_OFFLINE = variable;
    const message = await checkpointError(openCheckpoint('org/single', { cacheDir, ...options }));
    expect(message).toBe(
      `org/single: revision "main" is not (completely) in the cache ${cacheDir}, and offline mode is on. Load it once` +
        ' with the network, or pass the directory of a checkpoint.',
    );
    expect(server.requests).toEqual([]);
  });

  test('HF_HUB_OFFLINE=0 and the option false do not count', async () => {
    process.env.HF_HUB_OFFLINE = '0';
    await openCheckpoint('org/single', { cacheDir });
    process.env.HF_HUB_OFFLINE = '1';
    await openCheckpoint('org/sharded', { cacheDir, offline: false });
  });

  test('a snapshot without one of its shards does not count as cached', async () => {
    await openCheckpoint('org/sharded', { cacheDir });
    rmSync(join(snapshot('org/sharded'), 'one.safetensors'));
    expect(await checkpointError(openCheckpoint('org/sharded', { cacheDir, offline: true }))).toContain(
      '(completely)',
    );
  });
});

describe('a token', () => {
  test('opens a gated model, and is sent to the hub alone', async () => {
    process.env.HF_TOKEN = 'hf_secret';
    await openCheckpoint('org/gated', { cacheDir });
    expect(server.storageTokens).toEqual([undefined]);
  });

  test('that is missing is asked for', async () => {
    const message = await checkpointError(openCheckpoint('org/gated', { cacheDir }));
    expect(message).toContain(
      'org/gated: access was refused (status 401: Access to this model is restricted.); HF_TOKEN is not set.',
    );
    expect(message).toContain(`accept its conditions at ${server.url}/org/gated`);
  });

  test('that does not grant access is named', async () => {
    process.env.HF_TOKEN = 'hf_other';
    expect(await checkpointError(openCheckpoint('org/gated', { cacheDir }))).toContain(
      'access was refused (status 403: Access to this model is restricted.); HF_TOKEN is set, but does not grant access.',
    );
  });
});

describe('failures', () => {
  test('an unknown model', async () => {
    const message = await checkpointError(openCheckpoint('org/unknown', { cacheDir }));
    expect(message).toContain('org/unknown: access was refused (status 401: Invalid username or password.)');
    expect(message).toContain('otherwise check the spelling, as unknown models are refused the same way');
    expect(existsSync(cacheDir)).toBe(false);
  });

  test('an unknown revision', async () => {
    expect(await checkpointError(openCheckpoint('org/single', { cacheDir, revision: 'v2' }))).toBe(
      `org/single: ${server.url} has no such model, or no revision "v2" of it (status 404: Invalid rev id: v2). Check` +
        ' the spelling; for a checkpoint on disk, pass its directory as ./org/single.',
    );
  });

  test.each([
    [404, '', 'has no such model, or no revision "main" of it (status 404). Check the spelling'],
    [
      429,
      'slow down',
      'did not serve it (status 429: slow down). Wait a while, or set HF_TOKEN for a higher limit.',
    ],
    [500, '<html>', 'did not serve it (status 500). Try again later.'],
    [503, 'x'.repeat(1000), 'did not serve it (status 503). Try again later.'],
    [500, '{"error": "it broke"}', 'did not serve it (status 500: it broke). Try again later.'],
  ])('status %d with the text %s', async (status, body, message) => {
    server.intercept = (_request, response) => !!response.writeHead(status).end(body);
    expect(await checkpointError(openCheckpoint('org/single', { cacheDir }))).toContain(message);
  });

  test('no server', async () => {
    process.env.HF_ENDPOINT = `${refusing}/`;
    const message = await checkpointError(openCheckpoint('org/single', { cacheDir }));
    expect(message).toContain(
      `org/single: ${refusing} cannot be reached (ECONNREFUSED). Check the network, `,
    );
    expect(message).toContain(
      'Check the network, set HF_ENDPOINT to a mirror, or pass the directory of a checkpoint',
    );
  });

  test.each(['file:///etc', 'nonsense', 'http://'])('HF_ENDPOINT=%s', async (endpoint) => {
    process.env.HF_ENDPOINT = endpoint;
    await expect(openCheckpoint('org/single', { cacheDir })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: `Expected an http(s) URL in the environment variable HF_ENDPOINT but found "${endpoint}".`,
    });
  });

  test.each(['../main', '/main', 'a/../b', 'a//b', '', 'a b', 'a\0'])('the revision %j', async (revision) => {
    await expect(openCheckpoint('org/single', { cacheDir, revision })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining('Expected a branch, a tag or a commit for revision but received'),
    });
  });

  test.each([
    [
      'org/weightless',
      'the repository has no weights that can be read (model.safetensors, model.safetensors.index.json, pytorch_model.bin, pytorch_model.bin.index.json). Its files: config.json, model.gguf.',
    ],
    [
      'org/unconfigured',
      'the repository has no config.json, which the checkpoint needs. Its files: model.safetensors.',
    ],
    ['org/incomplete', 'the repository has no gone.safetensors, which the checkpoint needs.'],
    ['org/escaping', 'tensor "a" is said to be in "../escaped"; expected the plain name of a file'],
  ])('%s', async (id, message) => {
    expect(await checkpointError(openCheckpoint(id, { cacheDir }))).toContain(message);
  });

  test('a cache that cannot be written', async () => {
    writeFileSync(cacheDir, 'a file');
    expect(await checkpointError(openCheckpoint('org/single', { cacheDir }))).toContain(
      `org/single: the download into ${cacheDir} failed: `,
    );
  });
});

describe('damaged downloads', () => {
  const announced = `${weights.length.toLocaleString('en-US')} bytes`;
  const isWeights = (url?: string) => /^\/[0-9a-f]{64}$/.test(url ?? '');
  const serveWeights = (data: Uint8Array) => {
    server.intercept = (request, response) => isWeights(request.url) && !!response.end(data);
  };

  test.each([
    ['less', weights.subarray(0, 1000), `sent 1,000 bytes of ${announced}`],
    ['more', Buffer.concat([weights, weights]), `sends more than the announced ${announced}`],
    [
      'something else',
      Buffer.from(weights).fill(1, 1000, 1001),
      'sent contents that differ from their announced hash',
    ],
  ])('%s than announced is thrown away', async (_what, data, problem) => {
    serveWeights(data);
    expect(await checkpointError(openCheckpoint('org/single', { cacheDir }))).toBe(
      `model.safetensors: the download failed: the server ${problem}. Nothing of it was kept; try again.`,
    );
    expect(existsSync(join(cacheDir, 'models--org--single', 'refs', 'main'))).toBe(false);
    expect(readdirSync(join(cacheDir, 'models--org--single', 'blobs'))).toHaveLength(3);

    server.intercept = () => false;
    server.requests.length = 0;
    await openCheckpoint('org/single', { cacheDir });
    expect(requestsFor('resolve')).toEqual([`GET /org/single/resolve/${commitHash}/model.safetensors`]);
  });

  test('a connection that breaks', async () => {
    server.intercept = (request, response) => {
      if (!isWeights(request.url)) return false;
      response.writeHead(200, { 'Content-Length': weights.length });
      response.write(weights.subarray(0, 1000), () => response.destroy());
      return true;
    };
    expect(await checkpointError(openCheckpoint('org/single', { cacheDir }))).toMatch(
      /^org\/single: the download into .* failed: .*Files that were complete are kept; try again\.$/,
    );
    expect(readdirSync(join(cacheDir, 'models--org--single', 'blobs'))).toHaveLength(3);
  });
});

describe('a server that lies', () => {
  const file = { type: 'file', path: 'config.json', size: 2, oid: 'a'.repeat(40) };

  function answer(part: string, value: unknown) {
    server.intercept = (request, response) =>
      !!request.url?.includes(part) &&
      !!response.setHeader('Content-Type', 'application/json').end(JSON.stringify(value));
  }

  test.each([
    ['a path upwards', { ...file, path: '../../escaped' }, '"../../escaped"'],
    ['an absolute path', { ...file, path: '/escaped' }, '"/escaped"'],
    ['an object id that is a path', { ...file, oid: '../../escaped' }, '"../../escaped"'],
    ['an object id of LFS that is a path', { ...file, lfs: { oid: '../escaped', size: 2 } }, '"../escaped"'],
    ['no object id', { ...file, oid: undefined }, 'as object ""'],
    ['a negative size', { ...file, size: -1 }, 'of -1 bytes'],
  ])('about %s', async (_what, entry, shown) => {
    answer('/tree/', [entry]);
    const message = await checkpointError(openCheckpoint('org/single', { cacheDir }));
    expect(message).toContain(`org/single: ${server.url} listed a file `);
    expect(message).toContain(shown);
    expect(message).toContain('which a hub server never does. Check HF_ENDPOINT.');
    expect(existsSync(cacheDir)).toBe(false);
  });

  test('about the commit', async () => {
    answer('/revision/', { _id: 'x', id: 'org/single', sha: '../../escaped', lastModified: 0 });
    expect(await checkpointError(openCheckpoint('org/single', { cacheDir }))).toContain(
      'named "../../escaped" as a commit',
    );
  });

  test('with what is not JSON', async () => {
    server.intercept = (_request, response) => !!response.end('<html>');
    expect(await checkpointError(openCheckpoint('org/single', { cacheDir }))).toContain(
      'org/single: the download into',
    );
  });

  test('with an endless listing', async () => {
    server.intercept = (request, response) => {
      if (!request.url?.includes('/tree/')) return false;
      response.setHeader('Link', `<${server.url}${request.url}>; rel="next"`);
      response.end(JSON.stringify(Array(20_000).fill(file)));
      return true;
    };
    expect(await checkpointError(openCheckpoint('org/single', { cacheDir }))).toContain(
      'listed more than 100000 files',
    );
  });

  test('with an endless listing of nothing', async () => {
    server.intercept = (request, response) => {
      if (!request.url?.includes('/tree/')) return false;
      response.setHeader('Link', `<${server.url}${request.url}>; rel="next"`);
      return !!response.end('[]');
    };
    expect(await checkpointError(openCheckpoint('org/single', { cacheDir }))).toContain(
      'sent a listing of more than 2000 pages',
    );
  });

  test.each(['/revision/', '/tree/'])('with an answer to %s that does not end', async (part) => {
    let closed = false;
    server.intercept = (request, response) => {
      if (!request.url?.includes(part)) return false;
      const piece = Buffer.alloc(1 << 20, ' ');
      const more = () => {
        while (!closed && response.write(piece));
      };
      response.on('drain', more).on('close', () => {
        closed = true;
      });
      more();
      return true;
    };
    expect(await checkpointError(openCheckpoint('org/single', { cacheDir }))).toContain(
      'sent an answer of more than 33,554,432 bytes',
    );
  });

  test('with a refusal that does not end, or that would command a terminal', async () => {
    server.intercept = (_request, response) => {
      response.writeHead(500);
      response.write(Buffer.alloc(1 << 20, 'x'));
      return true;
    };
    expect(await checkpointError(openCheckpoint('org/single', { cacheDir }))).toContain('(status 500)');
    server.intercept = (_request, response) => !!response.writeHead(500).end('\x1b[2Jgone\x9b1m');
    expect(await checkpointError(openCheckpoint('org/single', { cacheDir }))).toContain(
      '(status 500: [2Jgone 1m)',
    );
  });

  test('about a small file is found out by its git object id', async () => {
    server.intercept = (request, response) =>
      !!request.url?.includes('/resolve/') && !!response.end(Buffer.alloc(config.length, ' '));
    expect(await checkpointError(openCheckpoint('org/single', { cacheDir }))).toBe(
      'config.json: the download failed: the server sent contents that differ from their announced hash. Nothing of it was kept;' +
        ' try again.',
    );
  });

  test('about where the next page is is not asked there', async () => {
    process.env.HF_TOKEN = 'hf_secret';
    const elsewhere = await HubServer.start({});
    const tokens: unknown[] = [];
    elsewhere.intercept = (request, response) => {
      tokens.push(request.headers.authorization);
      return !!response.end('[]');
    };
    server.intercept = (request, response) => {
      if (!request.url?.includes('/tree/')) return false;
      response.setHeader('Link', `<${elsewhere.url}/more>; rel="next"`);
      return !!response.end('[]');
    };
    const message = await checkpointError(openCheckpoint('org/single', { cacheDir }));
    expect(message).toContain(`said that its listing goes on at "${elsewhere.url}/more"`);
    await elsewhere.stop();
    expect(tokens).toEqual([]);
  });
});

describe('an abort', () => {
  const reason = new Error('enough');

  test('before the start asks nobody', async () => {
    await expect(openCheckpoint('org/single', { cacheDir, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    expect(server.requests).toEqual([]);
  });

  test.each([
    ['the first question', '/revision/'],
    ['a file', '/config.json'],
  ])('while waiting for %s rejects with its reason', async (_what, part) => {
    const abort = new AbortController();
    server.intercept = (request) => {
      if (!request.url?.includes(part)) return false;
      abort.abort(reason);
      return true;
    };
    await expect(openCheckpoint('org/single', { cacheDir, signal: abort.signal })).rejects.toBe(reason);
  });

  test('in the middle of a file rejects with its reason and leaves no part of it', async () => {
    const abort = new AbortController();
    const onProgress = (done: number) => {
      if (done > 100_000) abort.abort(reason);
    };
    await expect(openCheckpoint('org/single', { cacheDir, onProgress, signal: abort.signal })).rejects.toBe(
      reason,
    );
    expect(readdirSync(join(cacheDir, 'models--org--single', 'blobs'))).toHaveLength(3);
  });
});
