// Nothing touches the network unless a hub id was given, and then not where that is forbidden. Every job runs in a process in which
// sockets, names and fetch are taken away; the first test shows that the process would tell.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { spawnProgram, spawnScript } from '../helpers/spawned';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const preload = path.resolve(__dirname, '../helpers/preload/no-network.cjs');
const root = path.resolve(__dirname, '../..');
const models = path.join(root, 'models');
const image = path.join(models, 'tiny-vim/samples/heart.jpg');
const tasks = path.resolve(__dirname, '../fixtures/tasks');
const env = { HF_HUB_OFFLINE: undefined, HF_HOME: files.path };
const cpu = ['--device', 'cpu'];

test('a hub id is looked up, and this is noticed', async () => {
  const { status, stderr } = await spawnProgram(['inspect', 'org/model'], { env, preload }).ended;
  expect(status).toBe(1);
  expect(stderr).toContain('NETWORK: fetch\n');
});

test.each([
  ['--offline', ['--offline'], {}],
  ['HF_HUB_OFFLINE=1', [], { HF_HUB_OFFLINE: '1' }],
])('with %s it is not', async (_what, options, more) => {
  for (const args of [
    ['inspect', 'org/model'],
    ['generate', 'Once', '--model', 'org/model'],
    ['generate', 'Once', '--tokenizer', 'org/model'],
    ['classify', image, '--model', 'org/model'],
    ['eval', '--tasks', 'piqa'],
  ]) {
    const { ended } = spawnProgram([...args, ...options], { env: { ...env, ...more }, preload });
    const { status, stderr } = await ended;
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(
        /^skipscan: .*revision "main" is not \(completely\) in the cache .*offline mode is on/,
      ),
    });
  }
});

test('a mistyped folder that begins like one is not', async () => {
  const { status, stderr } = await spawnProgram(['inspect', './models/tiny'], { env, preload }).ended;
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringContaining(
      './models/tiny: there is no such file or directory, and it is not a hub id',
    ),
  });
});

test.each([
  ['generate', ['generate', 'Once', '-n', '4', ...cpu]],
  ['score', ['score', 'Once upon', ' a time', ...cpu]],
  ['classify', ['classify', image, ...cpu]],
  ['explain', ['explain', image, '--output', path.join(files.path, 'kept.png'), ...cpu]],
  [
    'eval of tasks',
    ['eval', '--tasks', 'piqa', '--data', tasks, '--out', path.join(files.path, 'r.json'), ...cpu],
  ],
  ['inspect', ['inspect', path.join(models, 'tiny-mamba2')]],
  ['doctor', ['doctor']],
])('the command %s', async (_what, args) => {
  const { status, stderr } = await spawnProgram(args, { env, preload }).ended;
  expect({ status, network: stderr.match(/NETWORK.*/g) }).toEqual({ status: 0, network: null });
});

test('loading, reading, writing, sessions and pictures from JavaScript', async () => {
  const { ended } = spawnScript(
    `
    const options = { device: 'cpu' };
    const model = await skipscan.loadLanguageModel(${JSON.stringify(path.join(models, 'tiny-mamba2'))}, options);
    const session = model.createSession();
    await session.prefill(model.tokenizer.encode('Once upon a time'));
    await session.step(1);
    await session.saveTo(${JSON.stringify(path.join(files.path, 'session.bin'))});
    (await model.restoreSessionFrom(${JSON.stringify(path.join(files.path, 'session.bin'))})).clone();
    for await (const _ of model.generate('Once', { maxNewTokens: 4 }));
    await model.score('Once', ' upon');
    const vision = await skipscan.loadVisionModel(${JSON.stringify(path.join(models, 'tiny-vim'))}, options);
    await vision.classify([${JSON.stringify(image)}]);
    const task = await skipscan.languageTask(model, 'piqa', { data: ${JSON.stringify(tasks)} });
    await skipscan.runTask(task);
    await skipscan.listDevices();
    await model.dispose();
    await vision.dispose();
    console.log('done');`,
    { env, preload },
  );
  expect(await ended).toMatchObject({ status: 0, stdout: 'done\n', stderr: '' });
});

test('nothing was put into the cache on the way', () => {
  expect(readdirSync(files.path)).not.toContain('hub');
});
