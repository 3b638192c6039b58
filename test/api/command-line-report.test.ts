import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { json, run } from '../helpers/command-line';
import { TemporaryDirectory } from '../helpers/temporary';
import { parseXml } from '../helpers/xml';

const files = new TemporaryDirectory();
const root = path.resolve(__dirname, '../..');
const text = path.join(root, 'scripts/bench/data/held-out.txt');
const onCpu = ['--device', 'cpu', '--threads', '1'];
const folder = (name: string) => path.join(files.path, name);

/** Every file of a folder by its name. */
function contents(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory).map((name) => [name, readFileSync(path.join(directory, name), 'utf8')]),
  );
}

test('a language model on windows of a text', () => {
  const out = folder('language');
  const args = [
    'report',
    '--text',
    text,
    '--prompt',
    '96',
    '--continuation',
    '16',
    '--samples',
    '6',
    '--out',
    out,
  ];
  const sweep = ['--policies', 'prune,recent,random,ltmp,recommended', '--cuts', '0.1,0.2', '--seeds', '0,1'];
  const report = json([...args, ...sweep, '--alignments', 'none,next', '--last-tokens', '16', ...onCpu]);
  const written = contents(out);
  expect(Object.keys(written).sort()).toEqual([
    'report.json',
    'report.md',
    'text-alignment.svg',
    'text-seed.svg',
    'text.svg',
  ]);
  expect(JSON.parse(written['report.json'])).toEqual(report);
  for (const name of ['text', 'text-alignment', 'text-seed']) parseXml(written[`${name}.svg`]);
  expect(report).toMatchObject({ protocol: 'prefill', model: { family: 'mamba2', layers: 6 } });
  expect(report.command).toMatch(/^skipscan report .*--alignments none,next .*--out DIR$/);

  const [task] = report.tasks;
  expect(task).toMatchObject({ task: 'text', samples: 6 });
  // Of each cut: 2 alignments of prune, recent and ltmp, 2 x 2 of random, 1 of recommended.
  expect(task.cells).toHaveLength(2 * (3 * 2 + 2 * 2 + 1));
  for (const cell of task.cells) {
    expect(Math.abs(cell.saved - cell.cut)).toBeLessThan(0.04);
    expect(cell.values.bits_per_byte).toHaveLength(6);
    const { mean } = cell.metrics.bits_per_byte;
    const { mean: dense } = task.dense.metrics.bits_per_byte;
    expect(cell.difference.bits_per_byte.mean).toBeCloseTo(mean - dense, 9);
    expect(cell.reduction.alignment).toBe(cell.options.alignment ?? 'none'); // recommended has no such option
  }
  expect(task.lastTokens[0]).toMatchObject({ tokens: 16 });
  const markdown = written['report.md'];
  expect(markdown).toContain('tiny-mamba2, which ships with skipscan');
  for (const title of [
    "bits_per_byte by the share of the blocks' FLOPs that is cut",
    'bits_per_byte by alignment at a cut of 20 %',
    'bits_per_byte by seed',
    'Thresholds of ltmp',
    'bits_per_byte of the dense model given no more of a prompt than its last tokens',
  ]) {
    expect(markdown).toContain(`**${title}`);
  }
  expect(markdown).not.toMatch(/NaN|undefined|Infinity/);
});

test('records, several tasks, and other protocols', () => {
  const records = ['The ', 'A '].map((context) =>
    JSON.stringify({ context: context.repeat(30), continuation: 'The' }),
  );
  const data = files.write('facts.jsonl', records.join('\n'));
  const out = folder('records');
  const args = [
    'report',
    '--data',
    data,
    '--text',
    text,
    '--prompt',
    '64',
    '--samples',
    '2',
    '--protocol',
    'paper',
  ];
  const { status, stdout, stderr } = run([
    ...args,
    '--policies',
    'uniform',
    '--cuts',
    '0.2',
    '--out',
    out,
    ...onCpu,
  ]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(
    /^text, 2 samples: bits_per_byte by .*\n\n +20 % +- dense\ndense .*\nuniform .*\n\nfacts, 2 samples: acc by /,
  );
  expect(stdout).toContain(`written to ${out}\n`);
  expect(readFileSync(path.join(out, 'report.md'), 'utf8')).toContain('protocol: `paper`');
  expect(readdirSync(out).sort()).toEqual(['report.json', 'report.md']); // one cut is no line
});

test('published tasks, with contexts of any length', () => {
  const out = folder('tasks');
  const data = path.join(root, 'test/fixtures/tasks');
  const args = ['report', '--tasks', 'lambada_openai,winogrande', '--data', data, '--out', out, ...onCpu];
  const { tasks } = json([...args, '--policies', 'prune,recommended', '--cuts', '0.2']);
  expect(tasks.map(({ task }: { task: string }) => task)).toEqual(['lambada_openai', 'winogrande']);
  const [{ metrics, cells }, { cells: ofWinogrande }] = tasks;
  expect(metrics.map(({ name }: { name: string }) => name)).toEqual(['perplexity', 'acc']);
  for (const cell of cells) expect(cell.saved).toBeGreaterThan(0.15);
  // A sentence up to its blank is shorter than what is protected.
  expect(ofWinogrande[1]).toMatchObject({ policy: 'recommended' });
  expect(ofWinogrande[1].saved).toBeLessThan(0.15);
  expect(readFileSync(path.join(out, 'report.md'), 'utf8')).toContain('**Less saved than the cut');
});

test('a vision model on its samples', () => {
  const samples = path.join(root, 'models/tiny-vim/samples');
  const images = folder('images');
  for (const name of readdirSync(samples)) {
    const label = path.join(images, path.parse(name).name);
    mkdirSync(label, { recursive: true });
    copyFileSync(path.join(samples, name), path.join(label, name));
  }
  const out = folder('vision');
  const sweep = [
    '--policies',
    'prune,released-top,recommended',
    '--metrics',
    'clip,novel',
    '--layers',
    'paper;1,2',
  ];
  const report = json([
    'report',
    images,
    ...sweep,
    '--one-at-a-time',
    '--out',
    out,
    '--batch',
    '3',
    ...onCpu,
  ]);
  expect(report.protocol).toBeUndefined();
  const [{ task, cells, dense }] = report.tasks;
  expect(task).toBe('images');
  expect(dense.values.top1.filter((value: number) => value === 1)).toHaveLength(6); // it takes the cross for a star
  expect(cells).toHaveLength(3 * (3 + 2 + 1)); // released-top has no metric
  for (const { policy, cut, saved } of cells) {
    expect(Math.abs(saved - cut)).toBeLessThan(policy === 'released-top' ? 0.05 : 0.02);
  }
  const layers = cells.map(({ reduction }: { reduction: { layers: number[] } }) => String(reduction.layers));
  expect(new Set(layers)).toEqual(new Set(['1,3,4', '1,2']));
  expect(readdirSync(out)).toContain('images-layers.svg');
});

test('a stopped report that is run again is as one that was not', async () => {
  const args = ['report', '--text', text, '--prompt', '256', '--samples', '12', '--batch', '1', ...onCpu];
  const sweep = ['--policies', 'prune,random', '--cuts', '0.1,0.2', '--last-tokens', '32'];
  const whole = folder('whole');
  expect(run([...args, ...sweep, '--out', whole]).status).toBe(0);

  const stopped = folder('stopped');
  const journal = path.join(stopped, 'text.journal.jsonl');
  const main = path.join(root, 'dist/cli/main.js');
  const child = spawn(process.execPath, [main, ...args, ...sweep, '--out', stopped]);
  const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  const lines = () => (existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').length : 0);
  const watch = setInterval(() => {
    if (lines() > 6) child.kill('SIGKILL');
  }, 5);
  expect(await ended).toBe('SIGKILL');
  clearInterval(watch);
  expect(readdirSync(stopped)).toEqual(['text.journal.jsonl']);
  const done = lines();

  // Other options are told from these, and take nothing away.
  const { status, stderr } = run([...args, ...sweep, '--metrics', 'l1', '--out', stopped]);
  expect(status).toBe(1);
  expect(stderr).toContain('text.journal.jsonl holds what another run has done');
  expect(lines()).toBe(done);

  expect(run([...args, ...sweep, '--out', stopped]).status).toBe(0);
  expect(contents(stopped)).toEqual(contents(whole));
});

test.each<[string[], string]>([
  [[], 'Expected --out, the folder to write to.'],
  [['--out', 'x'], 'Expected a folder of images, --tasks, --text or --data.'],
  [['a', 'b', '--out', 'x'], "Received 'b' after a folder of images."],
  [['a', '--out', 'x', '--protocol', 'paper'], 'Received --protocol with a folder of images'],
  [['--out', 'x', '--data', 'a.jsonl', '--prompt', '8'], 'Received --prompt without --text.'],
  [['--out', 'x', '--tasks', 'piqa,boolq'], "for --tasks but received 'boolq'."],
  [['--out', 'x', '--text', text, '--policies', 'best'], "for --policies but received 'best'."],
  [
    ['--out', 'x', '--text', text, '--cuts', '0.1,1'],
    'Expected shares above 0 and below 1 for --cuts but received 1.',
  ],
  [['--out', 'x', '--text', text, '--metrics', 'clip,l3'], "for --metrics but received 'l3'."],
  [['--out', 'x', '--text', text, '--last-tokens', '384'], 'Expected less than the 384 tokens of a prompt'],
])('wrong usage: %j exits with 2', (args, message) => {
  const { status, stdout, stderr } = run(['report', ...args]);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr).toContain('Usage: skipscan report');
});

test('what does not fit fails before anything is measured', () => {
  const out = folder('unfit');
  const { status, stderr } = run([
    'report',
    '--text',
    text,
    '--layers',
    '1,9',
    '--policies',
    'prune',
    '--out',
    out,
  ]);
  expect(status).toBe(1);
  expect(stderr).toContain('after layer 9, but the model has 6 layers');
  expect(readdirSync(out)).toEqual([]);
  writeFileSync(path.join(files.path, 'bad.jsonl'), '{"context": "a"}\n');
  const bad = run(['report', '--data', path.join(files.path, 'bad.jsonl'), '--out', out]);
  expect(bad.status).toBe(1);
  expect(bad.stderr).toContain('bad.jsonl:1: expected the field continuation, which is not there');
});
