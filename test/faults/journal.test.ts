// A run whose journal can no longer be written ends with an error, and goes on from what the journal has.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runTask, type Task } from '../../lib';
import { spawnLimited } from '../helpers/spawned';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const entry = path.resolve(__dirname, '../../dist/index.js');

/** A task whose samples each have their own value; run here, and as text in a process of its own. */
const makeTask = `(() => ({
  name: 'numbers',
  samples: 400,
  digest: '0',
  metrics: [{ name: 'value' }],
  measure: async (first, last) => ({
    values: Array.from({ length: last - first }, (_, i) => ({ value: Math.sin(first + i) })),
    flops: last - first,
    denseFlops: last - first,
  }),
}))()`;

test('a full disk (as a limit of the size of files)', async () => {
  // biome-ignore lint/security/noGlobalEval: the same task here and in the other process
  const task: Task = eval(makeTask);
  const whole = await runTask(task);
  const file = path.join(files.path, 'run.jsonl');
  const script = `const { runTask } = require(${JSON.stringify(entry)});
    runTask(${makeTask}, { journal: { file: ${JSON.stringify(file)}, identity: {} } })
      .catch(({ code, message, cause }) => console.log(JSON.stringify({ code, message, system: cause.code })));`;
  const { stdout, stderr } = await spawnLimited('ulimit -f 4', ['-e', script]);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({
    code: 'ERR_ARGUMENT',
    system: 'EFBIG',
    message: expect.stringMatching(
      /cannot be kept in .*run\.jsonl: EFBIG.*the same run goes on from there\.$/,
    ),
  });
  const lines = readFileSync(file, 'utf8').split('\n');
  expect(lines.length).toBeGreaterThan(5);
  let first: number | undefined;
  const resumed = await runTask(task, {
    journal: { file, identity: {} },
    onProgress: (done) => {
      first ??= done;
    },
  });
  expect(first).toBe(8 * (lines.length - 2));
  expect(resumed).toEqual(whole);
});
