// Native work has threads of its own: files are read while models compute, calls keep the process alive, idle models do not, and
// neither worker threads nor processes that end in the middle of a call take anything with them.
import { spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { Random } from '../../lib/text/random';
import { loadModel } from '../helpers/load-model';
import { randomModel } from '../helpers/random-model';
import { TemporaryDirectory } from '../helpers/temporary';
import { testDevice } from '../helpers/test-device';

const files = new TemporaryDirectory();
const folder = files.writeAll(
  'model',
  randomModel({ family: 'mamba', dModel: 16, layers: 2, vocab: 30, dState: 8 }),
);
/** Takes seconds for what is long here, and is aborted then. */
const slow = files.writeAll(
  'slow',
  randomModel({ family: 'mamba', dModel: 64, layers: 6, vocab: 30, dState: 16 }),
);
const vision = path.resolve(__dirname, '../../models/tiny-vim');
const entry = path.resolve(__dirname, '../../dist/index.js');
const prelude = `
  const skipscan = require(${JSON.stringify(entry)});
  const folder = ${JSON.stringify(folder)};
  const vision = ${JSON.stringify(vision)};
  const device = ${JSON.stringify(testDevice())};`;

/** What a process that runs this program prints, and how it ends. */
function child(program: string): Promise<{ code: number | null; signal: string | null; output: string }> {
  return new Promise((resolve, reject) => {
    const running = spawn(process.execPath, ['-e', `${prelude}\n(async () => { ${program} })();`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    running.stdout.on('data', (data) => {
      output += data;
    });
    running.on('error', reject);
    running.on('close', (code, signal) => resolve({ code, signal, output }));
  });
}

/** Runs `body` in a worker thread; resolves when that has sent a message. */
async function worker(body: string): Promise<Worker> {
  const code = `
    const { parentPort } = require('node:worker_threads');
    ${prelude}
    (async () => { ${body} })();`;
  const thread = new Worker(code, { eval: true });
  await new Promise((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
  });
  return thread;
}

test('files are read while more models compute than libuv has threads', async () => {
  const models = await Promise.all(Array.from({ length: 6 }, () => loadModel(slow, { threads: 1 })));
  const abort = new AbortController();
  const calls = models.map((model) =>
    model.forward(new Int32Array(200_000), { logits: 'last', signal: abort.signal }),
  );
  const first = await Promise.race([stat(folder).then(() => 'the file'), ...calls]);
  abort.abort();
  for (const { status } of await Promise.allSettled(calls)) expect(status).toBe('rejected');
  expect(first).toBe('the file');
  await Promise.all(models.map((model) => model.dispose()));
});

test('a call keeps the process alive, an idle model does not', async () => {
  const { code, output } = await child(`
    const model = await skipscan.loadLanguageModel(folder, { device });
    model.forward(new Int32Array(20000), { logits: 'last' }).then(() => process.stdout.write('computed'));`);
  expect({ code, output }).toEqual({ code: 0, output: 'computed' });
});

test('a process may exit in the middle of calls', async () => {
  const { code, signal } = await child(`
    const models = await Promise.all([1, 2, 3].map(() => skipscan.loadLanguageModel(folder, { device })));
    for (const model of models) model.forward(new Int32Array(1000000), { logits: 'last' });
    skipscan.loadLanguageModel(folder, { device });
    setTimeout(() => process.exit(7), 50);`);
  expect({ code, signal }).toEqual({ code: 7, signal: null });
});

test('a call whose worker thread is terminated is cancelled', async () => {
  const tokens = 200_000;
  const busy = await worker(`
    const model = await skipscan.loadLanguageModel(${JSON.stringify(slow)}, { device, threads: 1 });
    const running = model.forward(new Int32Array(${4 * tokens}), { logits: 'last' });
    parentPort.postMessage('started');
    await running;`);
  await using model = await loadModel(slow, { threads: 1 });
  const abort = new AbortController();
  const shorter = model.forward(new Int32Array(tokens), { logits: 'last', signal: abort.signal });
  const first = await Promise.race([busy.terminate().then(() => 'the worker'), shorter]);
  abort.abort();
  await expect(shorter).rejects.toMatchObject({ name: 'AbortError' });
  expect(first).toBe('the worker');
});

test('worker threads are terminated at any moment of anything', async () => {
  const random = new Random(5);
  await using model = await loadModel(folder);
  const wanted = await model.forward([1, 2, 3], { logits: 'last' });
  for (let round = 0; round < 15; round += 1) {
    const busy = await worker(`
      parentPort.postMessage('started');
      for (;;) {
        const model = await skipscan.loadLanguageModel(folder, { device });
        const images = await skipscan.loadVisionModel(vision, { device });
        const session = model.createSession();
        await session.prefill(new Int32Array(2000));
        const u = skipscan.Tensor.from(new Float32Array(64 * 64), [64, 64], { device });
        await Promise.all([
          model.stepAll([session], [1]),
          session.save(),
          model.score([1, 2, 3], [4, 5]),
          images.forward(new Float32Array(2 * 3 * 64 * 64), [2, 3, 64, 64]),
          images.classify(vision + '/samples/heart.jpg'),
          skipscan.ops.rmsNorm({ x: u, weight: skipscan.Tensor.from(new Float32Array(64), [64], { device }) }),
          model.forward(new Int32Array(20000), { logits: 'last' }),
        ]);
        session.clone();
        await Promise.all([model.dispose(), images.dispose(), u.dispose()]);
      }`);
    await new Promise((resolve) => setTimeout(resolve, 120 * random.next()));
    await busy.terminate();
  }
  expect((await model.forward([1, 2, 3], { logits: 'last' })).logits).toEqual(wanted.logits);
});

test('the main thread need not know the addon that its workers load', async () => {
  const { code, signal, output } = await child(`
    const { Worker } = require('node:worker_threads');
    const code = ${JSON.stringify(`${prelude}
      (async () => {
        const model = await skipscan.loadLanguageModel(folder, { device });
        const running = model.forward(new Int32Array(1000000), { logits: 'last' });
        require('node:worker_threads').parentPort.postMessage('started');
        await running;
      })();`)};
    for (let round = 0; round < 3; round += 1) {
      const busy = new Worker(code, { eval: true });
      await new Promise((resolve) => busy.once('message', resolve));
      await busy.terminate();
    }
    process.stdout.write('done');`);
  expect({ code, signal, output }).toEqual({ code: 0, signal: null, output: 'done' });
});
