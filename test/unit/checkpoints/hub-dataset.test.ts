import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { downloadDataset } from '../../../lib/checkpoints';
import { commitHash, HubServer } from '../../helpers/hub-server';
import { checkpointError } from '../../helpers/rejection';
import { TemporaryDirectory } from '../../helpers/temporary';

const temporary = new TemporaryDirectory();
const text = (value: string) => Buffer.from(value);
const validation = /^data\/validation-\d{5}-of-\d{5}\.parquet$/;

const repositories = {
  'org/set': {
    files: { 'README.md': text('# a data set') },
    lfs: { 'data/validation-00000-of-00001.parquet': text('rows'), 'data/train.parquet': text('not needed') },
  },
  'org/parts': {
    files: {
      'data/validation-00001-of-00002.parquet': text('second'),
      'data/validation-00000-of-00002.parquet': text('first'),
    },
  },
  'org/gap': { files: { 'data/validation-00001-of-00002.parquet': text('second') } },
  'org/two': { files: { 'a/test.jsonl': text('1'), 'b/test.jsonl': text('2') } },
  'org/escaping': { files: { '../test.jsonl': text('1') } },
};

let server: HubServer;
let cacheDir: string;
const environment = { ...process.env };
beforeAll(async () => {
  server = await HubServer.start(repositories);
});
afterAll(() => server.stop());
beforeEach(() => {
  cacheDir = join(temporary.path, 'hub');
  rmSync(cacheDir, { recursive: true, force: true });
  server.requests.length = 0;
  process.env.HF_ENDPOINT = server.url;
});
afterEach(() => {
  process.env = { ...environment };
});

const download = (id: string, files: RegExp, o = {}) => downloadDataset(id, files, { cacheDir, ...o });
const contents = (files: string[]) => files.map((file) => readFileSync(file, 'utf8'));

test('one split is brought into the layout that all libraries share, and then needs no network', async () => {
  const progress: number[][] = [];
  const files = await download('org/set', validation, { onProgress: (...at: number[]) => progress.push(at) });
  expect(contents(files)).toEqual(['rows']);
  expect(files.map((file) => relative(cacheDir, file))).toEqual([
    join('datasets--org--set', 'snapshots', commitHash, 'data', 'validation-00000-of-00001.parquet'),
  ]);
  expect(progress.at(-1)).toEqual([4, 4]);
  expect(existsSync(join(files[0], '..', 'train.parquet'))).toBe(false);
  expect(server.requests).toContain(
    `GET /datasets/org/set/resolve/${commitHash}/data/validation-00000-of-00001.parquet`,
  );
  server.requests.length = 0;
  expect(await download('org/set', validation)).toEqual(files);
  expect(await download('org/set', validation, { offline: true })).toEqual(files);
  expect(await download('org/set', validation, { revision: commitHash })).toEqual(files);
  expect(server.requests).toEqual([]);
});

test('parts of one file come in their order, and what is missing of them is brought', async () => {
  const files = await download('org/parts', validation);
  expect(contents(files)).toEqual(['first', 'second']);
  rmSync(files[1]);
  await checkpointError(download('org/parts', validation, { offline: true }));
  expect(contents(await download('org/parts', validation))).toEqual(['first', 'second']);
});

test.each<[string, string, RegExp, string]>([
  [
    'none that fits',
    'org/set',
    /^test\.jsonl$/,
    'found none that fits. Its files: README.md, data/train.parquet, data/valid',
  ],
  [
    'two that fit',
    'org/two',
    /test\.jsonl$/,
    'found 2 that fit and are not the parts of one: a/test.jsonl, b/test.jsonl.',
  ],
  ['a part without the other', 'org/gap', validation, 'found 1 that fit and are not the parts of one'],
  ['a name that leads out of the cache', 'org/escaping', /test/, 'listed a file "../test.jsonl"'],
  ['no such data set', 'org/none', /test/, 'access was refused'],
])('%s', async (_what, id, files, message) => {
  const error = await checkpointError(download(id, files));
  expect(error).toContain(id);
  expect(error).toContain(message);
});

test('offline, nothing is asked', async () => {
  expect(await checkpointError(download('org/set', validation, { offline: true }))).toContain(
    'offline mode is on',
  );
  expect(server.requests).toEqual([]);
});
