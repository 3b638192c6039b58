import { readFileSync } from 'node:fs';
import path from 'node:path';
import { json, run } from '../helpers/command-line';
import { randomModel } from '../helpers/random-model';
import { TemporaryDirectory } from '../helpers/temporary';
import { parseXml } from '../helpers/xml';

const files = new TemporaryDirectory();
const prompt = 'It was the best of times, it was the worst of times, it was the age of wisdom. '.repeat(4);

const amounts: Record<string, string[]> = {
  utrc: ['--flops', '0.2'],
  prune: ['--flops', '0.2', '--metric', 'state', '--fuse'],
  merge: ['--keep', '0.9', '--direction', 'forward'],
  ltmp: ['--prune-below', '0.01', '--merge-above', '0.9'],
  uniform: ['--flops', '0.2', '--layers', '1,3'],
  random: ['--flops', '0.2', '--random-seed', '7'],
  recent: ['--flops', '0.2', '--align', 'none'],
  'released-utrc': ['--flops', '0.1'],
  recommended: ['--flops', '0.2'],
};

test.each(Object.entries(amounts))('generate --reduce %s says what is left', (name, options) => {
  const { promptTokens, newTokens, reduction } = json([
    'generate',
    prompt,
    '-n',
    '4',
    '--reduce',
    name,
    ...options,
  ]);
  expect(newTokens).toBe(4);
  expect(reduction.policy.name).toBe(name === 'recommended' ? 'prune' : name);
  expect(reduction.promptTokens).toBe(promptTokens);
  expect(reduction.kept.map(({ layer }: { layer: number }) => layer)).toEqual(reduction.policy.layers);
  const counts = reduction.kept.map(({ tokens }: { tokens: number }) => tokens);
  expect(counts[0]).toBeLessThan(promptTokens);
  expect(counts).toEqual([...counts].sort((a, b) => b - a));
  if (name !== 'ltmp' && name !== 'merge') {
    const target = name === 'released-utrc' ? 0.1 : 0.2;
    expect(reduction.saved).toBeGreaterThanOrEqual(target - 1e-9);
    expect(reduction.saved).toBeLessThan(target + 0.02);
  }
});

test('generate ends its summary with the reduction', () => {
  const { status, stdout, stderr } = run([
    'generate',
    prompt,
    '-n',
    '2',
    '--reduce',
    'prune',
    '--keep',
    '0.5',
  ]);
  expect(status).toBe(0);
  expect(stdout.startsWith(prompt)).toBe(true);
  expect(stderr).toMatch(
    /prune left \d+, \d+, .* of 316 prompt tokens after layers .*: \d+\.\d % of the blocks' FLOPs saved/,
  );
  expect(json(['generate', prompt, '-n', '2']).reduction).toBeUndefined();
});

test('score reduces the context, or by the protocol paper all', () => {
  const continuation = ' It was the age of foolishness';
  const args = ['score', prompt.trimEnd(), continuation];
  const reduced = json([...args, '--reduce', 'utrc', '--flops', '0.2']);
  expect(reduced.logprobs).toHaveLength(continuation.length);
  expect(reduced.reduction.promptTokens).toBe(prompt.trimEnd().length);
  expect(reduced.total).not.toBe(json(args).total);

  const paper = json([...args, '--reduce', 'utrc', '--flops', '0.2', '--protocol', 'paper']);
  expect(paper.reduction.promptTokens).toBe(prompt.trimEnd().length + continuation.length - 1);
  expect(paper.logprobs.length).toBeLessThan(continuation.length);

  expect(run([...args, '--reduce', 'recent', '--keep', '0.9']).stdout).toMatch(
    /^greedy +(yes|no)\nreduction +recent left /m,
  );
});

test('bench reduce measures every policy against dense and draws it', () => {
  const folder = files.writeAll(
    'model',
    randomModel({ family: 'mamba', dModel: 16, layers: 6, vocab: 50, dState: 4 }),
  );
  const plot = path.join(files.path, 'plot.svg');
  const where = ['--device', 'cpu', '--threads', '1'];
  const options = ['--model', folder, '--length', '64', '--rounds', '2', ...where, '--plot', plot];
  const thresholds = ['--prune-below', '0.01', '--merge-above', '0.9'];
  const report = json([
    'bench',
    'reduce',
    ...options,
    '--flops',
    '0.1,0.3',
    '--policies',
    Object.keys(amounts).join(),
    ...thresholds,
  ]);
  expect(report).toMatchObject({ model: folder, length: 64, rounds: 2, threads: 1, family: 'mamba' });
  expect(report.dense.milliseconds.values).toHaveLength(2);
  expect(report.reduced).toHaveLength(8 * 2 + 1);
  for (const { name, milliseconds, speedup, ratio, workspace, reduction, logits } of report.reduced) {
    expect(Object.keys(amounts)).toContain(name);
    expect(milliseconds.values).toHaveLength(2);
    expect(ratio).toBeCloseTo(speedup * (1 - reduction.saved), 9);
    expect(workspace).toBeGreaterThan(0);
    expect(logits.klDivergence).toBeGreaterThanOrEqual(0);
    expect(logits.largest).toBeGreaterThanOrEqual(0);
  }
  const texts = parseXml(readFileSync(plot, 'utf8'))
    .all('text')
    .map(({ text }) => text);
  expect(texts).toEqual(expect.arrayContaining(Object.keys(amounts)));
});

test('bench reduce on a terminal is a table; the same seed draws the same prompt', () => {
  const args = [
    'bench',
    'reduce',
    '--length',
    '48',
    '--rounds',
    '1',
    '--policies',
    'prune,recent',
    '--flops',
    '0.2',
  ];
  const { status, stdout } = run([...args, '--metric', 'delta']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^policy +saved +tokens left +ms +speedup +ratio/m);
  expect(stdout).toMatch(/^dense +48 /m);
  expect(stdout).toMatch(/^prune +2\d\.\d % /m);
  expect(stdout).toMatch(/^recent +2\d\.\d % /m);
  const differences = (seed: string) =>
    json([...args, '--seed', seed]).reduced.map(({ logits }: { logits: object }) => logits);
  expect(differences('1')).toEqual(differences('1'));
  expect(differences('1')).not.toEqual(differences('2'));
});

test.each<[string[], string]>([
  [['generate', 'x', '--flops', '0.2'], 'Received --flops without --reduce.'],
  [['score', 'x', 'y', '--protocol', 'paper'], 'Received --protocol without --reduce.'],
  [['score', 'x', 'y', '--reduce', 'utrc'], 'Expected --flops or --keep with utrc'],
  [['generate', 'x', '--reduce', 'prune', '--keep', '0.5', '--q-hidden', '1'], 'it is an option of utrc.'],
  [
    ['generate', 'x', '--reduce', 'prune', '--keep', '3', '--model', './nowhere'],
    'up to 1 for keep of prune()',
  ],
  [['bench'], 'Expected model, reduce or vision, the benchmark to run.'],
  [['bench', 'everything'], "Expected model, reduce or vision as the benchmark but received 'everything'."],
  [['bench', 'reduce', '--policies', 'utrc,best'], "for --policies but received 'best'."],
  [['bench', 'reduce', '--policies', 'ltmp'], 'Expected --prune-below and --merge-above with ltmp'],
  [['bench', 'reduce', '--policies', 'prune', '--q-hidden', '1'], 'it is an option of utrc.'],
  [['bench', 'reduce', '--length', '0'], "Expected a whole number from 1 for --length but received '0'."],
  [['bench', 'reduce', '--rounds', '1.5'], 'Expected a whole number from 1 for --rounds'],
  [['bench', 'reduce', '--keep', '0.5'], 'Received --keep with reduce, but it is an option of model.'],
])('wrong usage: %j exits with 2', (args, message) => {
  const { status, stdout, stderr } = run(args);
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toContain(message);
  expect(stderr).toContain('Usage: skipscan');
});

test.each<[string[], string]>([
  [['score', 'xyz', 'y', '--reduce', 'prune', '--keep', '0.5', '--layers', '2,6'], 'the model has 6 layers'],
  [['score', prompt, 'y', '--reduce', 'utrc', '--flops', '0.9'], 'can be saved there. Ask for less'],
])('what does not fit the model or the prompt fails: %j', (args, message) => {
  const { status, stderr } = run(args);
  expect(status).toBe(1);
  expect(stderr).toContain(message);
  expect(stderr).toContain('(ERR_ARGUMENT)');
});
