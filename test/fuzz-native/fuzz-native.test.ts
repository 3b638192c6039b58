// What scripts/fuzz-native.mjs says where it cannot run; the fuzzers themselves run in CI.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const script = path.resolve(__dirname, '../../scripts/fuzz-native.mjs');

function fuzz(args: string[], environment: Record<string, string> = {}) {
  const { status, stderr } = spawnSync(process.execPath, [script, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  return { status, stderr };
}

test('without a clang it says what to install', () => {
  expect(fuzz([], { PATH: '', CXX: '' })).toEqual({
    status: 2,
    stderr: expect.stringMatching(
      /^Found no clang with libFuzzer \(tried clang\+\+, .*apt-get install clang-14/,
    ),
  });
});

test.each([
  [['--only', 'kernels'], 'Expected one of operators, weights, language-model, vision-model for --only'],
  [['--runs', '0'], 'Expected a whole number from 1 for --runs but received 0.'],
])('refuses %j', (args, message) => {
  expect(fuzz(args)).toEqual({ status: 2, stderr: expect.stringContaining(message) });
});
