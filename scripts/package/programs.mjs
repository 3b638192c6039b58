// What is run in a project where the package is installed: the same model by every way in, which must say the same.
import path from 'node:path';
import { expect } from './project.mjs';

const body = `
  const model = await skipscan.loadLanguageModel(__MODEL__);
  let text = '';
  for await (const piece of model.generate('We the people', { maxNewTokens: 8 })) text += piece.text;
  await model.dispose();`;

const programs = {
  'require.cjs': `const skipscan = require('skipscan');
(async () => {${body} console.log(JSON.stringify(text)); })();`,
  'import.mjs': `import * as skipscan from 'skipscan';${body} console.log(JSON.stringify(text));`,
  'named-import.mjs': `import { loadLanguageModel } from 'skipscan';
const skipscan = { loadLanguageModel };${body} console.log(JSON.stringify(text));`,
  'dynamic-import.cjs': `(async () => { const skipscan = await import('skipscan');${body} console.log(JSON.stringify(text)); })();`,
  // Two workers at once, one of them ended while it computes.
  'workers.mjs': `import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import * as skipscan from 'skipscan';
if (isMainThread) {
  const start = () => new Worker(new URL(import.meta.url));
  const doomed = start();
  const [text] = await Promise.all([
    new Promise((resolve, reject) => start().on('message', resolve).on('error', reject)),
    new Promise((resolve) => setTimeout(() => doomed.terminate().then(resolve), 50)),
  ]);
  console.log(JSON.stringify(text));
} else {${body} parentPort.postMessage(text); }`,
};

/** Runs all of them, and the command line, with this Node.js. */
export function checkPrograms(project, node = process.execPath) {
  const model = path.join(project.installed, 'models', 'tiny-mamba2');
  const texts = {};
  for (const [name, source] of Object.entries(programs)) {
    project.write(name, source.replaceAll('__MODEL__', JSON.stringify(model)));
    texts[name] = JSON.parse(project.print(node, name));
  }
  const main = path.join(project.installed, 'dist', 'cli', 'main.js');
  texts['the command line'] = JSON.parse(
    project.print(node, main, 'generate', 'We the people', '-n', '8', '--json'),
  ).text;
  const [first] = Object.values(texts);
  expect(
    first.length > 0 && Object.values(texts).every((text) => text === first),
    `the ways in gave different texts: ${JSON.stringify(texts, null, 2)}`,
  );
  const { healthy, checks } = JSON.parse(project.print(node, main, 'doctor', '--json'));
  const troubles = checks.filter(({ status }) => status === 'failure' || status === 'skipped');
  expect(healthy && troubles.length === 0, `doctor found ${JSON.stringify(troubles)}`);
}
