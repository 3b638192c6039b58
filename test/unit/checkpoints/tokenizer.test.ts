import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OpenOptions, openCheckpoint, openTokenizer } from '../../../lib/checkpoints';
import { commitHash, HubServer } from '../../helpers/hub-server';
import { checkpointError } from '../../helpers/rejection';
import { f32, safetensorsFile } from '../../helpers/safetensors-file';
import { TemporaryDirectory } from '../../helpers/temporary';

const temporary = new TemporaryDirectory();
const weights = safetensorsFile({ a: f32([1], [1]) });
const both = { 'tokenizer.json': '{"model": {}}', 'tokenizer_config.json': '{}' };
const advice =
  'no tokenizer.json; pass a source that has one (for state-spaces models EleutherAI/gpt-neox-20b), or make one with' +
  ' transformers (AutoTokenizer.from_pretrained(...).save_pretrained(...)).';

describe('a path', () => {
  test('may be a folder', async () => {
    const folder = temporary.writeAll('folder', both);
    expect(await openTokenizer(folder)).toEqual({
      tokenizerFile: join(folder, 'tokenizer.json'),
      tokenizerConfigFile: join(folder, 'tokenizer_config.json'),
    });
  });

  test('may be a file, with its configuration beside it', async () => {
    const file = join(temporary.writeAll('file', both), 'tokenizer.json');
    expect(await openTokenizer(file)).toEqual({
      tokenizerFile: file,
      tokenizerConfigFile: temporary.write('file/tokenizer_config.json', '{}'),
    });
  });

  test('may have another name and no configuration', async () => {
    const file = temporary.write('alone/neox.json', '{}');
    expect(await openTokenizer(file)).toEqual({ tokenizerFile: file, tokenizerConfigFile: undefined });
  });

  test('wins over a hub id of the same name', async () => {
    temporary.writeAll('org/name', both);
    const before = process.cwd();
    process.chdir(temporary.path);
    try {
      expect((await openTokenizer('org/name')).tokenizerFile).toBe(join('org/name', 'tokenizer.json'));
    } finally {
      process.chdir(before);
    }
  });

  test('of a folder without tokenizer.json is told what the folder holds', async () => {
    const folder = temporary.writeAll('old', { 'vocab.json': '{}', 'merges.txt': '' });
    expect(await checkpointError(openTokenizer(folder))).toBe(
      `${folder}: there is ${advice} The folder holds merges.txt, vocab.json.`,
    );
    expect(await checkpointError(openTokenizer(temporary.writeAll('empty', {})))).toContain(
      'The folder is empty.',
    );
  });

  test('of weights is refused', async () => {
    const file = join(
      temporary.writeAll('weights', { ...both, 'model.safetensors': weights }),
      'model.safetensors',
    );
    expect(await checkpointError(openTokenizer(file))).toBe(
      `${file}: the name of a tokenizer file ends in .json; found "model.safetensors". Pass a tokenizer.json or the` +
        ' folder that has it.',
    );
  });

  test.each([
    './missing/tokenizer',
    '/missing/tokenizer',
    '~/missing/tokenizer',
    'missing',
    'missing/tokenizer.json',
    'missing/model.safetensors',
    'https://huggingface.co/org/name',
  ])('%s that does not exist is never looked for on the network', async (source) => {
    const fetched = jest.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('touched the network'));
    try {
      expect(await checkpointError(openTokenizer(source))).toContain(
        `${source}: there is no such file or directory, and it is not a hub id like "EleutherAI/gpt-neox-20b".`,
      );
      expect(fetched).not.toHaveBeenCalled();
    } finally {
      fetched.mockRestore();
    }
  });

  test.each([[''], [undefined], [5], [{}]])('cannot be %p', async (source) => {
    await expect(openTokenizer(source as string)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining(
        'Expected a directory, a tokenizer.json or a hub id for tokenizer but received',
      ),
    });
  });
});

describe('a hub id', () => {
  const text = (value: string) => Buffer.from(value);
  const tokenizer = text(both['tokenizer.json']);
  const models = {
    'org/tokenizer': {
      files: {
        'config.json': text('{"model_type": "mamba"}'),
        'tokenizer.json': tokenizer,
        'tokenizer_config.json': text('{}'),
        'vocab.json': text('{}'),
      },
      lfs: { 'model.safetensors': weights },
      refs: ['v1'],
    },
    'org/bare': { files: { 'tokenizer.json': tokenizer } },
    'org/model': { files: { 'config.json': text('{}') }, lfs: { 'pytorch_model.bin': text('weights') } },
  };
  const environment = { ...process.env };
  let server: HubServer;
  let cacheDir: string;

  beforeAll(async () => {
    server = await HubServer.start(models);
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    cacheDir = join(temporary.path, randomBytes(4).toString('hex'));
    server.intercept = () => false;
    server.requests.length = 0;
    for (const name of ['HF_TOKEN', 'HF_HUB_OFFLINE']) delete process.env[name];
    process.env.HF_ENDPOINT = server.url;
  });
  afterEach(() => {
    process.env = { ...environment };
  });

  const snapshot = (id: string) =>
    join(cacheDir, `models--${id.replace('/', '--')}`, 'snapshots', commitHash);
  const downloads = () =>
    server.requests
      .filter((request) => request.includes('/resolve/'))
      .map((request) => request.split('/').pop());

  test('is downloaded, without the weights', async () => {
    const seen: [done: number, total: number][] = [];
    const found = await openTokenizer('org/tokenizer', {
      cacheDir,
      onProgress: (...progress) => seen.push(progress),
    });
    const directory = snapshot('org/tokenizer');
    expect(found).toEqual({
      tokenizerFile: join(directory, 'tokenizer.json'),
      tokenizerConfigFile: join(directory, 'tokenizer_config.json'),
    });
    expect(readFileSync(found.tokenizerFile).equals(tokenizer)).toBe(true);
    expect(readdirSync(directory).sort()).toEqual(['tokenizer.json', 'tokenizer_config.json']);
    const total = tokenizer.length + 2;
    expect(seen.at(-1)).toEqual([total, total]);
  });

  test.each(['org/tokenizer', 'org/bare'])(
    '%s is not asked for again once it is in the cache',
    async (id) => {
      const first = await openTokenizer(id, { cacheDir });
      server.requests.length = 0;
      expect(await openTokenizer(id, { cacheDir })).toEqual(first);
      expect(await openTokenizer(id, { cacheDir, offline: true })).toEqual(first);
      process.env.HF_HUB_OFFLINE = '1';
      expect(await openTokenizer(id, { cacheDir })).toEqual(first);
      expect(server.requests).toEqual([]);
    },
  );

  test('shares its files with the checkpoint of the same repository', async () => {
    await openTokenizer('org/tokenizer', { cacheDir });
    server.requests.length = 0;
    await openCheckpoint('org/tokenizer', { cacheDir });
    expect(downloads()).toEqual(['config.json', 'model.safetensors']);
  });

  test('is in the cache once the checkpoint of the same repository is', async () => {
    await openCheckpoint('org/tokenizer', { cacheDir });
    server.requests.length = 0;
    await openTokenizer('org/tokenizer', { cacheDir });
    expect(server.requests).toEqual([]);
  });

  test('in the cache does not stand for a checkpoint', async () => {
    await openTokenizer('org/tokenizer', { cacheDir });
    expect(await checkpointError(openCheckpoint('org/tokenizer', { cacheDir, offline: true }))).toContain(
      '(completely)',
    );
  });

  test('is found in a cache that another program filled with less', async () => {
    mkdirSync(snapshot('org/tokenizer'), { recursive: true });
    writeFileSync(join(snapshot('org/tokenizer'), 'tokenizer.json'), tokenizer);
    mkdirSync(join(cacheDir, 'models--org--tokenizer', 'refs'));
    writeFileSync(join(cacheDir, 'models--org--tokenizer', 'refs', 'main'), commitHash);

    const offline = { cacheDir, offline: true };
    expect((await openTokenizer('org/tokenizer', offline)).tokenizerConfigFile).toBeUndefined();
    expect((await openTokenizer('org/tokenizer', { cacheDir })).tokenizerConfigFile).toBeDefined();
    expect(downloads()).toEqual(['tokenizer_config.json']);
  });

  test('that is not in the cache is not looked up offline', async () => {
    expect(await checkpointError(openTokenizer('org/tokenizer', { cacheDir, offline: true }))).toBe(
      `org/tokenizer: revision "main" is not (completely) in the cache ${cacheDir}, and offline mode is on. Load it once` +
        ' with the network, or pass the directory of a tokenizer.',
    );
    expect(server.requests).toEqual([]);
  });

  test("is not subject to a model's revision", async () => {
    const optionsOfModel: OpenOptions = { cacheDir, revision: 'v1' };
    await openTokenizer('org/tokenizer', optionsOfModel);
    expect(readdirSync(join(cacheDir, 'models--org--tokenizer', 'refs'))).toEqual(['main']);
    expect(server.requests.filter((request) => request.includes('/revision/'))).toEqual([
      'GET /api/models/org/tokenizer/revision/main',
    ]);
  });

  test('of a repository without tokenizer.json is told what the repository has', async () => {
    expect(await checkpointError(openTokenizer('org/model', { cacheDir }))).toBe(
      `org/model: the repository has ${advice} Its files: config.json, pytorch_model.bin.`,
    );
    expect(downloads()).toEqual([]);
  });

  test('that the server does not have', async () => {
    server.intercept = (_request, response) => !!response.writeHead(404).end();
    expect(await checkpointError(openTokenizer('org/tokenizer', { cacheDir }))).toContain(
      'Check the spelling; for a tokenizer on disk, pass its directory as ./org/tokenizer.',
    );
  });

  test('rejects with the reason of a signal that is aborted', async () => {
    const reason = new Error('stop');
    const signal = AbortSignal.abort(reason);
    await expect(openTokenizer('org/tokenizer', { cacheDir, signal })).rejects.toBe(reason);
  });
});
