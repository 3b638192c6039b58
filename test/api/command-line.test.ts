import { run } from '../helpers/command-line';
import { randomModel } from '../helpers/random-model';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();

test('generate continues a text and reports its speed', () => {
  const { status, stdout, stderr } = run(['generate', 'The President of the United', '-n', '12']);
  expect(status).toBe(0);
  expect(stdout.startsWith('The President of the United')).toBe(true);
  expect(stdout.trim().length).toBeGreaterThan('The President of the United'.length);
  expect(stderr).toMatch(/27 prompt tokens in \d+ ms, then 12 tokens at \d+ tokens\/s/);
});

test('generate --json is one object; the prompt may come from standard input; a seed repeats', () => {
  const args = ['generate', '-', '--json', '-n', '8', '-t', '0.9', '--seed', '5'];
  const first = JSON.parse(run(args, 'Call me').stdout);
  expect(first).toMatchObject({ prompt: 'Call me', promptTokens: 7, newTokens: 8 });
  expect(first.tokens).toHaveLength(8);
  expect(JSON.parse(run(args, 'Call me').stdout).text).toBe(first.text);
});

test('score', () => {
  const { status, stdout } = run(['score', 'the United', ' States', '--json']);
  expect(status).toBe(0);
  const likely = JSON.parse(stdout);
  expect(likely.logprobs).toHaveLength(7);
  expect(likely.total).toBeGreaterThan(
    JSON.parse(run(['score', 'the United', ' Zxqvjk', '--json']).stdout).total,
  );
  expect(run(['score', 'the United', ' States']).stdout).toMatch(
    /^log-probability +-\d+\.\d{4}\ntokens +7\n/,
  );
});

test('inspect lists what a checkpoint holds', () => {
  const shape = { family: 'mamba', dModel: 8, layers: 1, vocab: 20, dState: 4 } as const;
  const folder = files.writeAll('model', randomModel(shape));
  const { status, stdout } = run(['inspect', folder]);
  expect(status).toBe(0);
  expect(stdout).toContain('mamba, 1 layers, d_model 8, d_inner 16, d_state 4, vocabulary 20, tied head');
  expect(stdout).toMatch(/backbone\.layers\.0\.mixer\.A_log +\[16, 4\] +f32/);
  const json = JSON.parse(run(['inspect', folder, '--json']).stdout);
  expect(json.tensors).toContainEqual({
    name: 'backbone.norm_f.weight',
    dtype: 'f32',
    shape: [8],
    byteLength: 32,
  });
});

test.each<[string[], string]>([
  [['generate'], 'Expected a prompt'],
  [['generate', 'two', 'words'], "Received 'words' after a prompt"],
  [['generate', 'x', '-n', 'many'], "Expected a number for --max-new-tokens but received 'many'."],
  [['generate', 'x', '--dtype', 'f8'], "Expected f32, bf16, f16 or i8 for --dtype but received 'f8'."],
  [['generate', 'x', '--fast'], "Unknown option '--fast'"],
  [
    ['sing'],
    'Expected one of generate, score, classify, explain, eval, report, bench, inspect, doctor as the command',
  ],
  [['toString'], 'as the command but received'],
])('wrong usage: %j exits with 2', (args, message) => {
  const { status, stderr } = run(args);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr).toContain('Usage: skipscan');
});

test('a failure exits with 1 and says what is wrong', () => {
  const { status, stderr, stdout } = run(['generate', 'x', '--model', './nowhere']);
  expect(status).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^skipscan: \.\/nowhere: there is no such file or directory.*\(ERR_CHECKPOINT\)\n$/);
});

test('help and version', () => {
  expect(run(['--help'])).toMatchObject({ status: 0 });
  expect(run(['score', '--help']).stdout).toContain('Usage: skipscan score [options] CONTEXT CONTINUATION');
  expect(run(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
