import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { json, run } from '../helpers/command-line';
import { HubServer } from '../helpers/hub-server';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const data = path.resolve(__dirname, '../fixtures/tasks');
const main = path.resolve(__dirname, '../../dist/cli/main.js');
const golden = JSON.parse(readFileSync(path.join(data, 'golden.json'), 'utf8')).tasks;
const reduce = ['--reduce', 'prune', '--keep', '0.8', '--layers', '1,3'];
const tasks = (list: string, ...args: string[]) => [
  'eval',
  '--tasks',
  list,
  '--data',
  data,
  '--device',
  'cpu',
  ...args,
];

/** Runs `skipscan` beside the test, and sends Ctrl-C when `isTime`. */
async function start(args: string[], isTime?: () => boolean, env = {}) {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...env } });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (piece) => {
      output[name] += piece;
    });
  }
  const status = new Promise<number | null>((resolve) => child.on('close', resolve));
  while (isTime && child.exitCode === null) {
    if (isTime()) {
      child.kill('SIGINT');
      break;
    }
    await setTimeout(5);
  }
  return { status: await status, ...output };
}

test('several tasks, dense and reduced, as JSON', () => {
  const report = json(tasks('hellaswag,lambada_openai', ...reduce, '--dense'));
  expect(report).toMatchObject({
    skipscan: expect.any(String),
    model: {
      source: 'tiny-mamba2, which ships with skipscan',
      fingerprint: expect.any(String),
      device: 'cpu',
    },
    protocol: 'prefill',
  });
  expect(report.tasks.map(({ task }: { task: string }) => task)).toEqual(['hellaswag', 'lambada_openai']);
  for (const { task, version, digest, samples, results } of report.tasks) {
    expect({ version, samples }).toEqual({ version: '1.0', samples: golden[task].samples.length });
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    const [dense, reduced] = results;
    expect(dense.metrics.acc.mean).toBe(golden[task].metrics.acc);
    expect(dense.reduction).toBeUndefined();
    expect(reduced.reduction).toMatchObject({ name: 'prune', keep: 0.8, layers: [1, 3] });
    expect(reduced.flopsRatio).toBeLessThan(1);
    expect(reduced.difference.acc.mean).toBeCloseTo(reduced.metrics.acc.mean - dense.metrics.acc.mean, 12);
    expect(reduced.values.acc).toHaveLength(samples);
  }
});

test('as text', () => {
  const { status, stdout, stderr } = run(tasks('lambada_openai,winogrande', ...reduce, '--dense'));
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('lambada_openai: 6 samples\n\n');
  expect(stdout).toMatch(/^ +perplexity +acc, % +FLOPs$/m);
  expect(stdout).toMatch(/^dense +1054 ± \d+ +16\.67 ± 16\.67 +100 %$/m);
  expect(stdout).toMatch(/^prune +\d+ ± \d+ +\d+\.\d+ ± \d+\.\d+ +\d+(\.\d)? %$/m);
  expect(stdout).toMatch(/^difference +[+-]?\d+ ± \d+ +[+-]?\d+\.\d+ ± \d+\.\d+$/m);
});

test('a protocol, a limit and a single file', () => {
  const args = [
    'eval',
    '--tasks',
    'piqa',
    '--data',
    path.join(data, 'piqa.jsonl'),
    '--device',
    'cpu',
    ...reduce,
  ];
  const paper = json([...args, '--limit', '2', '--protocol', 'paper']);
  expect(paper.protocol).toBe('paper');
  expect(paper.tasks[0].samples).toBe(2);
  expect(paper.tasks[0].results[0].flopsRatio).not.toBe(
    json([...args, '--limit', '2']).tasks[0].results[0].flopsRatio,
  );
});

describe('a result file', () => {
  const many = (lines: string) => lines.repeat(8);
  const folder = path.join(files.path, 'many');
  const out = path.join(files.path, 'out', 'result.json');
  const command = ['eval', '--tasks', 'piqa,arc_easy', '--data', folder, '--device', 'cpu', '--batch', '2'];
  const args = [...command, ...reduce, '--dense', '--out', out];
  const journals = () => readdirSync(path.dirname(out)).filter((name) => name.includes('journal'));
  const lines = (task: string) => {
    const file = `${out}.${task}.journal.jsonl`;
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
  };
  let whole: string;
  beforeAll(() => {
    for (const name of ['piqa.jsonl', 'arc_easy.jsonl']) {
      files.write(path.join('many', name), many(readFileSync(path.join(data, name), 'utf8')));
    }
    files.write('out/other', '');
    const { status, stdout } = run([...args, '--json']);
    expect(status).toBe(0);
    whole = readFileSync(out, 'utf8');
    expect(stdout).toBe(whole);
    expect(journals()).toEqual([]);
  });

  test('is the same of two runs', () => {
    rmSync(out);
    run(args);
    expect(readFileSync(out, 'utf8')).toBe(whole);
  });

  test.each([
    ['the first task', 'piqa', 5],
    ['the second task', 'arc_easy', 3],
  ])('is the same after an interruption in %s', async (_which, task, when) => {
    rmSync(out);
    const { status, stdout, stderr } = await start(args, () => lines(task) >= when);
    expect(status).toBe(130);
    expect(stdout).toBe('');
    expect(stderr).toBe(
      'skipscan: Interrupted. What is done is kept: the same command goes on from there.\n',
    );
    expect(existsSync(out)).toBe(false);
    expect(journals()).toContain(`result.json.${task}.journal.jsonl`);

    const other = run([...args, '--batch', '3']);
    expect(other.status).toBe(1);
    expect(other.stderr).toContain("its batchSize is 2, and this run's is 3.");
    expect(run(args).status).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe(whole);
    expect(journals()).toEqual([]);
  });
});

test('without a result file, an interruption says what would have helped', async () => {
  const server = await HubServer.start({});
  server.intercept = () => true; // never answers
  try {
    const args = ['eval', '--tasks', 'arc_easy', '--cache-dir', path.join(files.path, 'none')];
    const asked = () => server.requests.length > 0;
    const { status, stderr } = await start(args, asked, { HF_ENDPOINT: server.url });
    expect(status).toBe(130);
    expect(stderr).toBe(
      'skipscan: Interrupted. With --out FILE, what is done is kept, and the same command goes on from there.\n',
    );
  } finally {
    await server.stop();
  }
});

test('a record that is wrong is told with its line before any work, and what was done by then stays', () => {
  const good = readFileSync(path.join(data, 'piqa.jsonl'), 'utf8');
  const file = files.write('broken/piqa.jsonl', `${good}{"goal": "x", "sol1": "y", "label": 0}\n`);
  const out = path.join(files.path, 'broken.json');
  const { status, stdout, stderr } = run(['eval', '--tasks', 'piqa', '--data', file, '--out', out]);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toBe(
    `skipscan: ${file}:5: expected the field sol2, which is not there or null. Its fields: goal, sol1, label. (ERR_ARGUMENT)\n`,
  );
  expect(
    json(['eval', '--tasks', 'piqa', '--data', file, '--limit', '4', '--device', 'cpu']).tasks[0].samples,
  ).toBe(4);
});

test('data sets come from the hub when no files are given', async () => {
  const server = await HubServer.start({
    'allenai/ai2_arc': {
      files: {},
      lfs: {
        'ARC-Easy/test-00000-of-00001.parquet': readFileSync(path.join(data, 'parquet', 'arc_easy.parquet')),
        'ARC-Challenge/test-00000-of-00001.parquet': Buffer.from('not needed'),
      },
    },
  });
  try {
    const args = ['eval', '--tasks', 'arc_easy', '--cache-dir', path.join(files.path, 'hub'), '--json'];
    const { status, stdout } = await start(args, undefined, { HF_ENDPOINT: server.url });
    expect(status).toBe(0);
    expect(JSON.parse(stdout).tasks[0].results[0].metrics.acc.mean).toBe(golden.arc_easy.metrics.acc);
  } finally {
    await server.stop();
  }
});

test.each<[string[], string]>([
  [['eval', 'folder', '--tasks', 'piqa'], 'Expected a folder of images or --tasks, but received both.'],
  [['eval', '--tasks', 'mmlu'], 'winogrande for --tasks but received'],
  [['eval', '--tasks', 'piqa,piqa'], 'Received piqa twice in --tasks.'],
  [
    ['eval', '--tasks', 'piqa', '--seed', '1'],
    'Received --seed with --tasks, but it is an option of images.',
  ],
  [['eval', 'folder', '--data', 'x'], 'Received --data with a folder of images'],
  [['eval', '--tasks', 'piqa', '--protocol', 'paper'], 'Received --protocol without --reduce.'],
  [['eval', '--tasks', 'piqa', '--limit', '0'], 'Expected a whole number from 1 for --limit'],
  [
    tasks('piqa,arc_easy', '--data', path.join(data, 'piqa.jsonl')),
    'Expected a folder for --data, as there are 2',
  ],
])('wrong usage: %j exits with 2', (args, message) => {
  const { status, stdout, stderr } = run(args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr).toContain('Usage: skipscan eval');
});

test.each<[string, string[], string]>([
  [
    'no such folder',
    ['--data', path.join(data, 'nowhere')],
    'nowhere: expected a file of records, or a folder',
  ],
  [
    'a folder without the task',
    ['--data', path.join(data, 'bpe')],
    'Expected one of piqa.jsonl, piqa.json, piqa.parquet in',
  ],
])('%s', (_what, args, message) => {
  const { status, stderr } = run(['eval', '--tasks', 'piqa', ...args]);
  expect(status).toBe(1);
  expect(stderr).toContain(message);
});
