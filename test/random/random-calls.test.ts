// A few thousand random calls; npm run random-calls runs as many as one likes.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { native } from '../../lib/native';
import { Findings, shareOfTolerance } from './findings';

const script = path.resolve(__dirname, '../../scripts/random-calls.mjs');

function randomCalls(...args: string[]) {
  // A process of its own: the kernels of whole models are chosen by a variable that jest does not pass on to native code.
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('random calls on every kernel set compute what the plain loops do', () => {
  const { status, stdout, stderr } = randomCalls('--cases', '2000', '--seed', '1');
  expect({ status, stderr, failures: stdout.match(/^FAIL.*/gm) }).toEqual({
    status: 0,
    stderr: '',
    failures: null,
  });
  const sets = native.cpuBackends().available.filter((name) => name !== 'reference');
  expect(stdout).toContain(`2000 cases from seed 1 on ${sets.join(', ')}: 0 failures`);
  for (const kind of ['selective_scan', 'select_tokens', 'linear (i8)', 'language model', 'vision model']) {
    for (const set of sets)
      expect(stdout).toMatch(new RegExp(`^${kind.replace(/[()]/g, '\\$&')}.* ${set} +[1-9]`, 'm'));
  }
});

test('kernels that the machine does not have and counts that are none are refused', () => {
  expect(randomCalls('--kernels', 'sse9')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('This machine has no kernels sse9; expected some of'),
  });
  expect(randomCalls('--cases', 'many')).toMatchObject({
    status: 2,
    stderr: 'Expected a whole number from 1 for --cases but received many.\n',
  });
});

test('an error larger than its tolerance is a failure, and so is what is not a number', () => {
  const told: string[] = [];
  const findings = new Findings((message) => told.push(message));
  const add = (got: number[], wanted: number[], tolerance: number) =>
    findings.add('norm', 'avx2', shareOfTolerance(got, wanted, tolerance), () => 'the case');
  add([1, 2], [1, 2], 0);
  add([100.5], [100], 0.01);
  expect(findings.failures).toBe(0);
  add([102], [100], 0.01);
  add([Number.NaN], [1], 1);
  add([1], [1, 2], 1);
  expect(findings.failures).toBe(3);
  expect(told[0]).toBe('norm on avx2: 2.00 of the error allowed: the case');
  expect(findings.rows).toEqual([{ kind: 'norm', backend: 'avx2', cases: 5, worst: Infinity, undecided: 0 }]);
});
