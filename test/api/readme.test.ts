// The examples of the README and of these pages run as they stand there.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { TemporaryDirectory } from '../helpers/temporary';

const root = path.resolve(__dirname, '../..');
const examples = [
  'README.md',
  'docs/skipping.md',
  'docs/vision.md',
  'docs/evaluation.md',
  'docs/performance.md',
].flatMap((page) =>
  [...readFileSync(path.join(root, page), 'utf8').matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code),
);
const project = new TemporaryDirectory();
mkdirSync(path.join(project.path, 'node_modules'));
symlinkSync(root, path.join(project.path, 'node_modules', 'skipscan'));

test('there are examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(5);
});

test.each(examples.map((code) => [code.match(/const \{ (.*?) \} = require/)?.[1], code]))(
  '%s',
  (_names, code) => {
    const file = project.write('example.js', code as string);
    const { status, stderr, stdout } = spawnSync(process.execPath, [file], {
      cwd: project.path,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout.length).toBeGreaterThan(10);
  },
);
