import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, runExample, startExample } from '../helpers/example';
import { TemporaryDirectory } from '../helpers/temporary';

const model = path.join(root, 'models/tiny-vim');
const samples = path.join(model, 'samples');
const temporary = new TemporaryDirectory();
let folders = 0;

/** A folder of the shipped samples, one of them below another folder, with what is no image among them. */
function imageFolder(): { folder: string; output: string } {
  folders += 1;
  const folder = path.join(temporary.path, `images-${folders}`);
  mkdirSync(path.join(folder, 'more'), { recursive: true });
  for (const name of readdirSync(samples)) {
    cpSync(path.join(samples, name), path.join(folder, name === 'heart.jpg' ? 'more' : '', name));
  }
  writeFileSync(
    path.join(folder, 'broken.png'),
    readFileSync(path.join(samples, 'star.png')).subarray(0, 60),
  );
  writeFileSync(path.join(folder, 'notes.txt'), 'no image');
  return { folder, output: path.join(temporary.path, `out-${folders}.jsonl`) };
}

const run = (folder: string, output: string, ...options: string[]) =>
  runExample('image-folder/main.mjs', [folder, output, '--model', model, ...options]);

type Line = { file: string; classes?: { label: string; probability: number }[]; error?: string };

function linesOf(output: string): { header: Record<string, unknown>; lines: Line[] } {
  const [header, ...lines] = readFileSync(output, 'utf8').trimEnd().split('\n');
  return { header: JSON.parse(header), lines: lines.map((line) => JSON.parse(line)) };
}

/** The samples are named after what they show; the model takes the cross for a star, as its card says. */
const seen = (file: string) => (file === 'cross.png' ? 'star' : path.parse(file).name);

test('classifies a folder, and skips what is broken with a message', async () => {
  const { folder, output } = imageFolder();
  const { status, stdout, stderr } = await run(folder, output, '--batch', '3', '--top', '2');
  expect(stderr).toMatch(/^skipped: Expected a JPEG.*broken\.png.*\n$/);
  expect(stdout).toBe(`8 of 8 images in ${output}, 1 of them broken\n`);
  expect(status).toBe(0);
  const { header, lines } = linesOf(output);
  expect(header).toEqual({ model, dtype: 'bf16', topK: 2, reduction: 'none' });
  expect(lines.map(({ file }) => file)).toEqual([
    'arrow.png',
    'broken.png',
    'crescent.jpg',
    'cross.png',
    'hourglass.png',
    path.join('more', 'heart.jpg'),
    'star.png',
    'tee.jpg',
  ]);
  for (const { file, classes, error } of lines) {
    if (file === 'broken.png')
      expect([classes, error]).toEqual([undefined, expect.stringContaining('broken.png')]);
    else expect([file, classes!.length, classes![0].label]).toEqual([file, 2, seen(file)]);
  }
});

test('drops patches when asked to', async () => {
  const { folder, output } = imageFolder();
  expect((await run(folder, output, '--save-flops', '0.3')).status).toBe(0);
  const { header, lines } = linesOf(output);
  expect(header.reduction).toMatchObject({ name: 'prune', flopsReduction: 0.3 });
  const right = lines.filter(({ file, classes }) => classes?.[0].label === seen(file));
  expect(right.length).toBeGreaterThanOrEqual(5);
});

test('goes on behind the last whole line, and reads nothing twice', async () => {
  const { folder, output } = imageFolder();
  await run(folder, output);
  const whole = readFileSync(output, 'utf8');
  const lines = whole.split('\n');
  // As a process leaves it that was killed while it wrote.
  writeFileSync(output, `${lines.slice(0, 4).join('\n')}\n${lines[4].slice(0, 20)}`);
  const again = await run(folder, output, '--batch', '2');
  expect([again.status, again.stdout]).toEqual([0, `8 of 8 images in ${output}\n`]);
  expect(readFileSync(output, 'utf8')).toBe(whole);
  const third = await run(folder, output);
  expect([third.status, third.stdout, third.stderr]).toEqual([0, `8 of 8 images in ${output}\n`, '']);
  expect(readFileSync(output, 'utf8')).toBe(whole);
});

test('does not mix the results of two runs', async () => {
  const { folder, output } = imageFolder();
  await run(folder, output);
  const { status, stderr } = await run(folder, output, '--save-flops', '0.2');
  expect(status).toBe(1);
  expect(stderr).toMatch(/holds the results of another run: .*"reduction":"none".*\. Name another output\./);
  appendFileSync(output, 'no JSON\n');
  expect((await run(folder, output)).status).toBe(1);
});

test('stops at Ctrl-C and goes on from there', async () => {
  const { folder, output } = imageFolder();
  for (let i = 0; i < 120; i += 1)
    cpSync(path.join(samples, 'star.png'), path.join(folder, `star-${1000 + i}.png`));
  const options = [folder, output, '--model', model, '--batch', '1'];
  const { child, output: said, ended } = startExample('image-folder/main.mjs', options);
  const written = () => {
    try {
      return readFileSync(output, 'utf8').split('\n').length - 2;
    } catch {
      return 0; // not there yet
    }
  };
  while (written() < 5 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(said.stderr).toMatch(/interrupted; the same command goes on from here\n$/);
  const before = linesOf(output).lines;
  expect(before.length).toBeGreaterThanOrEqual(5);
  expect(before.length).toBeLessThan(128);

  const { status } = await run(folder, output);
  expect(status).toBe(0);
  const after = linesOf(output).lines;
  expect(after.slice(0, before.length)).toEqual(before);
  expect(new Set(after.map(({ file }) => file)).size).toBe(128);
  expect(after).toHaveLength(128);
});

test.each([
  ['no folder', [], 2, /usage: node main\.mjs/],
  ['no model', ['a', 'b'], 2, /usage/],
  ['a batch of nothing', ['a', 'b', '--model', model, '--batch', '0'], 2, /--batch/],
  ['a folder that is not there', [path.join(temporary.path, 'none'), 'b', '--model', model], 1, /ENOENT/],
  [
    'a share that cannot be saved',
    [samples, path.join(temporary.path, 'share'), '--model', model, '--save-flops', '2'],
    1,
    /flopsReduction/,
  ],
])('tells %s', async (_what, args, status, message) => {
  const result = await runExample('image-folder/main.mjs', args as string[]);
  expect([result.status, result.stderr]).toEqual([status, expect.stringMatching(message)]);
});
