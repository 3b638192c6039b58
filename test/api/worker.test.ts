// The addon in worker threads: several environments in one process, also ones that end in the middle of a call.
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { loadModel } from '../helpers/load-model';
import { randomModel } from '../helpers/random-model';
import { TemporaryDirectory } from '../helpers/temporary';
import { testDevice } from '../helpers/test-device';

const files = new TemporaryDirectory();
const folder = files.writeAll(
  'model',
  randomModel({ family: 'mamba', dModel: 16, layers: 2, vocab: 30, dState: 8 }),
);
const entry = path.resolve(__dirname, '../../dist/index.js');

/** Runs `body`, which may use `skipscan`, `folder`, `device` and `parentPort`, in a worker. */
function worker(body: string): Worker {
  const code = `
    const { parentPort } = require('node:worker_threads');
    const skipscan = require(${JSON.stringify(entry)});
    const folder = ${JSON.stringify(folder)};
    const device = ${JSON.stringify(testDevice())};
    (async () => { ${body} })();`;
  return new Worker(code, { eval: true });
}

function message(from: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    from.once('message', resolve);
    from.once('error', reject);
  });
}

test('several workers and the main thread get the same logits', async () => {
  await using model = await loadModel(folder);
  const { logits } = await model.forward([1, 2, 3, 4], { logits: 'last' });
  const workers = [1, 2, 3].map(() =>
    worker(`
      const model = await skipscan.loadLanguageModel(folder, { device });
      const { logits } = await model.forward([1, 2, 3, 4], { logits: 'last' });
      await model.dispose();
      parentPort.postMessage(logits);`),
  );
  for (const logitsThere of await Promise.all(workers.map(message))) expect(logitsThere).toEqual(logits);
  await Promise.all(workers.map((w) => w.terminate()));
});

test('a worker that is terminated during a call takes nothing else with it', async () => {
  for (let round = 0; round < 3; round += 1) {
    const busy = worker(`
      const model = await skipscan.loadLanguageModel(folder, { device });
      const running = model.forward(new Int32Array(300000), { logits: 'last' });
      parentPort.postMessage('started');
      await running;`);
    await message(busy);
    await busy.terminate();
  }
  await using model = await loadModel(folder);
  expect((await model.forward([1, 2], { logits: 'last' })).logits.every(Number.isFinite)).toBe(true);
});
