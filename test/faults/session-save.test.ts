// Sessions on disk: whatever ends the process that saves, the file restores to one of the states that were saved.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type LanguageModel, loadLanguageModel } from '../../lib';
import { Random } from '../../lib/text/random';
import { randomModel } from '../helpers/random-model';
import { spawnLimited, spawnScript } from '../helpers/spawned';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const entry = path.resolve(__dirname, '../../dist/index.js');
const prompts = [
  [1, 2, 3, 4],
  [9, 8, 7, 6, 5, 4],
];
let source: string;
let model: LanguageModel;
/** What saving after each of the prompts gives. */
let saved: Uint8Array[];

beforeAll(async () => {
  const shape = { family: 'mamba2', dModel: 64, layers: 4, vocab: 16, dState: 64 } as const;
  source = files.writeAll('model', randomModel(shape));
  model = await loadLanguageModel(source, { device: 'cpu', threads: 1 });
  saved = [];
  for (const prompt of prompts) {
    await using session = model.createSession();
    await session.prefill(prompt);
    saved.push(await session.save());
  }
});
afterAll(() => model?.dispose());

test('a file restores what was saved', async () => {
  const file = path.join(files.path, 'session.bin');
  await using session = model.createSession();
  const logits = await session.prefill(prompts[0]);
  await session.saveTo(file);
  const next = await session.step(5);
  await using restored = await model.restoreSessionFrom(file);
  expect(restored.length).toBe(4);
  expect(await restored.step(5)).toEqual(next);
  expect(next).not.toEqual(logits);
});

test.each([
  ['one that is missing', 'missing', /cannot be read: ENOENT/],
  ['a folder', '.', /cannot be read: expected a file, found a folder/],
  ['a device', '/dev/zero', /cannot be read: expected a file, found a device/],
])('%s is no session', async (_what, name, message) => {
  await expect(model.restoreSessionFrom(path.resolve(files.path, name))).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringMatching(message),
  });
});

test.each([undefined, '', 5, 'a\0b'])('%j is no file', async (file) => {
  await using session = model.createSession();
  const expected = {
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining('Expected the path of a file for file'),
  };
  await expect(session.saveTo(file as string)).rejects.toMatchObject(expected);
  await expect(model.restoreSessionFrom(file as string)).rejects.toMatchObject(expected);
});

test('a file cut short or with a byte changed is an error, wherever that is', async () => {
  const random = new Random(3);
  const file = path.join(files.path, 'damaged.bin');
  for (let i = 0; i < 200; i += 1) {
    const bytes = Buffer.from(saved[0]);
    const at = random.nextUint32() % bytes.length;
    bytes[at] ^= 1 << (random.nextUint32() % 8);
    writeFileSync(file, i % 2 === 0 ? bytes : bytes.subarray(0, at));
    await expect(model.restoreSessionFrom(file)).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_(ARGUMENT|UNSUPPORTED)$/),
    });
  }
});

test('a full disk (as a limit of the size of files) leaves the session of before', async () => {
  const file = files.write('full/session.bin', saved[1]);
  const script = `const skipscan = require(${JSON.stringify(entry)});
    (async () => {
      const model = await skipscan.loadLanguageModel(${JSON.stringify(source)}, { device: 'cpu', threads: 1 });
      const session = model.createSession();
      await session.prefill([1, 2, 3]);
      const error = await session.saveTo(${JSON.stringify(file)}).catch((error) => error);
      console.log(JSON.stringify({ name: error.name, code: error.code, cause: error.cause.code }));
    })();`;
  const { stdout, stderr } = await spawnLimited('ulimit -f 16', ['-e', script]);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({ name: 'SkipscanError', code: 'ERR_ARGUMENT', cause: 'EFBIG' });
  expect(readdirSync(path.dirname(file))).toEqual(['session.bin']);
  expect(Buffer.from(saved[1]).equals(readFileSync(file))).toBe(true);
});

test('kill -9 at any moment leaves one of the states that were saved, whole', async () => {
  const folder = path.join(files.path, 'killed');
  mkdirSync(folder);
  const file = path.join(folder, 'session.bin');
  const body = `
    const model = await skipscan.loadLanguageModel(${JSON.stringify(source)}, { device: 'cpu', threads: 1 });
    const sessions = [];
    for (const prompt of ${JSON.stringify(prompts)}) {
      const session = model.createSession();
      await session.prefill(prompt);
      sessions.push(session);
    }
    console.log('ready');
    for (let i = 0; ; i += 1) await sessions[i % 2].saveTo(${JSON.stringify(file)});`;
  const random = new Random(7);
  const found = [0, 0];
  let halves = 0;
  for (let kill = 0; kill < 40; kill += 1) {
    const { child, says, ended } = spawnScript(body);
    await says('ready');
    await setTimeout(1 + 25 * random.next());
    child.kill('SIGKILL');
    expect((await ended).signal).toBe('SIGKILL');
    halves = readdirSync(folder).filter((name) => name.endsWith('.partial')).length;
    if (!existsSync(file)) continue;
    const bytes = readFileSync(file);
    const which = saved.findIndex((state) => bytes.equals(state));
    expect(which).toBeGreaterThanOrEqual(0);
    found[which] += 1;
    await using session = await model.restoreSessionFrom(file);
    expect(session.length).toBe(prompts[which].length);
  }
  // Both states were found, and kills have met writers in the middle: the test did try what it means to.
  expect(Math.min(...found)).toBeGreaterThan(0);
  expect(halves).toBeGreaterThan(0);
}, 300_000);
