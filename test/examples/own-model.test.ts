import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { root } from '../helpers/example';
import { maxDifference, readTensors } from '../helpers/read-tensors';
import { f32, safetensorsFile } from '../helpers/safetensors-file';
import { classifySignal } from '../helpers/signal-classifier';
import { TemporaryDirectory } from '../helpers/temporary';

const source = path.join(root, 'examples/own-model');
const kinds = ['rise', 'fall', 'tone', 'beats', 'clicks'];
/** A project that depends on the example, which depends on this package, as npm lays them out. */
const project = new TemporaryDirectory();
const installed = path.join(project.path, 'node_modules/signal-classifier');
mkdirSync(installed, { recursive: true });
cpSync(source, installed, { recursive: true });
symlinkSync(root, path.join(project.path, 'node_modules/skipscan'));

type Result = { kind: string; probabilities: number[]; kept: number[] };

/** Runs the body of an asynchronous function in the project; what it returns comes back as JSON. */
function inProject<Value>(body: string): Value {
  const program = project.write(
    'program.mjs',
    `import { kinds, SignalClassifier } from 'signal-classifier';
import { signal } from './node_modules/signal-classifier/signals.mjs';
let state = 1; // Park and Miller
const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
const run = async () => { ${body} };
console.log(JSON.stringify(await run()));`,
  );
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], {
    cwd: project.path,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

test.each([0.25, 0.4, 1])('computes what plain loops compute, keeping %d of the frames', async (keep) => {
  const { signals, results } = inProject<{ signals: number[][]; results: Result[] }>(`
    const classifier = await SignalClassifier.load();
    const signals = [512, 200, 1024, 512].map((samples, i) => signal(kinds[i], random, samples));
    const results = await classifier.classify(signals, { keep: ${keep} });
    return { signals: signals.map((s) => [...s]), results };`);
  const weights = await readTensors(path.join(source, 'weights.safetensors'));
  for (const [i, { kind, probabilities, kept }] of results.entries()) {
    const expected = classifySignal(Float32Array.from(signals[i]), keep, weights);
    expect(kept).toEqual(expected.kept);
    expect(kept).toHaveLength(Math.ceil((keep * signals[i].length) / 8));
    expect(maxDifference(probabilities, expected.probabilities)).toBeLessThan(1e-4);
    expect(kind).toBe(kinds[probabilities.indexOf(Math.max(...probabilities))]);
  }
});

test('gives a signal in company what it gets alone', () => {
  const [together, alone] = inProject<[Result[], Result[]]>(`
    const classifier = await SignalClassifier.load();
    const signals = kinds.map((kind, i) => signal(kind, random, 256 + 64 * i));
    const alone = [];
    for (const one of signals) alone.push(...(await classifier.classify([one])));
    return [await classifier.classify(signals), alone];`);
  expect(together).toEqual(alone);
});

test('knows what is in a signal from two fifths of its frames', () => {
  const right = inProject<number>(`
    const classifier = await SignalClassifier.load();
    const asked = Array.from({ length: 200 }, (_, i) => kinds[i % kinds.length]);
    const results = await classifier.classify(asked.map((kind) => signal(kind, random)));
    return results.filter(({ kind }, i) => kind === asked[i]).length;`);
  expect(right).toBeGreaterThanOrEqual(190);
});

test('tells which weights do not fit', () => {
  const file = project.write('other.safetensors', safetensorsFile({ embed: f32([2, 8], Array(16).fill(0)) }));
  const message = (body: string) =>
    inProject<string>(`try { ${body} } catch ({ message }) { return message; }`);
  expect(message(`await SignalClassifier.load(${JSON.stringify(file)});`)).toMatch(
    /tensor "embed" has the shape \[2, 8\]; expected \[16, 8\]\.$/,
  );
  expect(message('await (await SignalClassifier.load()).classify([new Float32Array(12)]);')).toMatch(
    /12 samples; it must have a multiple of 8/,
  );
  expect(message('await (await SignalClassifier.load()).classify([]);')).toMatch(/at least one signal/);
});

test('its program runs', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(installed, 'main.mjs')], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout.trimEnd().split('\n')).toHaveLength(kinds.length);
});
