// Memory is measured in a process of its own: under jest, the test runner's own garbage would drown it.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { randomModel } from '../helpers/random-model';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const entry = path.resolve(__dirname, '../../dist/index.js');

/** Runs a script that may use `skipscan`, `folder` and `rss()`, and returns what it printed as JSON. */
function measure(folder: string, body: string): Record<string, number> {
  const script = `
    const skipscan = require(${JSON.stringify(entry)});
    const fs = require('node:fs');
    const folder = ${JSON.stringify(folder)};
    const status = (field) => Number(fs.readFileSync('/proc/self/status', 'utf8').match(field + ':\\\\s*(\\\\d+)')[1]) * 1024;
    const rss = () => { globalThis.gc(); return status('VmRSS'); };
    (async () => { ${body} })();`;
  const output = execFileSync(process.execPath, ['--expose-gc', '-e', script], { encoding: 'utf8' });
  return JSON.parse(output);
}

const linux = process.platform === 'linux' ? test : test.skip;

linux('loading needs the packed weights and at most 20 % more', () => {
  const shape = { family: 'mamba2', dModel: 512, layers: 12, vocab: 8000, dState: 64, headDim: 64 } as const;
  const folder = files.writeAll('large', randomModel(shape));
  const little = files.writeAll('little', randomModel({ ...shape, dModel: 64, layers: 1, vocab: 100 }));
  const { before, peak, after, weights } = measure(
    folder,
    // A first model brings in what every later one shares: code, threads' stacks, the tokenizer's library.
    `await (await skipscan.loadLanguageModel(${JSON.stringify(little)}, { device: 'cpu' })).dispose();
     const before = rss();
     const model = await skipscan.loadLanguageModel(folder, { device: 'cpu' });
     const peak = status('VmHWM');
     console.log(JSON.stringify({ before, peak, after: rss(), weights: model.memory().weights }));
     await model.dispose();`,
  );
  expect(weights).toBeGreaterThan(80e6);
  expect(weights).toBeLessThan(120e6);
  expect(peak - before).toBeLessThan(1.2 * weights);
  expect(after - before).toBeGreaterThan(0.9 * weights); // or this test would measure nothing
});

linux('50 rounds of loading, running and disposing leave nothing behind', () => {
  const shape = { family: 'mamba', dModel: 256, layers: 4, vocab: 12_000, dState: 16 } as const;
  const folder = files.writeAll('small', randomModel(shape));
  const { first, last, used, weights } = measure(
    folder,
    // V8 keeps more room for young objects for a hundred rounds before it levels off, and the first 50 bring in code.
    `const native = () => rss() - process.memoryUsage().heapTotal;
     let first, weights;
     for (let round = 0; round < 100; round += 1) {
       const model = await skipscan.loadLanguageModel(folder, { device: 'cpu' });
       const session = model.createSession();
       await session.prefill([1, 2, 3]);
       await model.forward([[1, 2], [3]]);
       weights = model.memory().weights;
       await model.dispose();
       if (round === 49) first = native();
     }
     console.log(JSON.stringify({ first, last: native(), used: process.memoryUsage().heapUsed, weights }));`,
  );
  // A quarter of what one model weighs, after fifty of them.
  expect(weights).toBeGreaterThan(16e6);
  expect(last - first).toBeLessThan(0.25 * weights);
  expect(used).toBeLessThan(weights); // JavaScript's own objects, whose room is not counted above
});
