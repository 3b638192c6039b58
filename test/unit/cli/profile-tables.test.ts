import { floorSeconds } from '../../../lib/cli/operator-floor';
import { profileText } from '../../../lib/cli/profile-tables';
import { profileFastest } from '../../../lib/cli/profile-work';
import type { OperatorProfile } from '../../../lib/models/profile';

const limits = { flops: 100e9, bytes: 10e9, exponentials: 1e9 };
const operator = (name: string, o: Partial<OperatorProfile>): OperatorProfile => ({
  name,
  calls: 2,
  seconds: 0.01,
  flops: 0,
  bytes: 0,
  exponentials: 0,
  ...o,
});
const operators = [
  operator('linear 8x16', { seconds: 0.02, flops: 1.5e9, bytes: 1e6 }),
  operator('selective_scan', { flops: 1e8, bytes: 1e7, exponentials: 8e6 }),
  operator('rms_norm', { seconds: 0.002, flops: 1e6, bytes: 4e7 }),
];
const profiles = [{ work: 'prefill of 9 tokens', operators, seconds: 0.04 }];

test('the floor is set by the slowest kind of work', () => {
  expect(operators.map((o) => floorSeconds(o, limits))).toEqual([0.015, 0.008, 0.004]);
});

test('the table has every operator, the time outside of them, and shares that add up', () => {
  const text = profileText({ limits, profiles });
  expect(text.split('\n').slice(0, 8)).toEqual([
    'prefill of 9 tokens',
    '',
    'operator        calls     ms    share  GFLOP/s  GB/s  of floor',
    'linear 8x16         2  20.00   50.0 %     75.0   0.1    75.0 %',
    'selective_scan      2  10.00   25.0 %     10.0   1.0    80.0 %',
    'rms_norm            2   2.00    5.0 %      0.5  20.0   200.0 %',
    'rest                    8.00   20.0 %',
    'total                  40.00  100.0 %                   67.5 %',
  ]);
  expect(text).toContain('100.0 GFLOP/s in float32, 10.0 GB/s read from memory, 1.0 G exponentials/s');
});

test('where no limits are known there is no floor', () => {
  const text = profileText({ profiles });
  expect(text).toMatch(/^operator +calls +ms +share +GFLOP\/s +GB\/s$/m);
  expect(text).toMatch(/^total +40\.00 +100\.0 %$/m);
  expect(text).not.toContain('floor');
});

test('of several runs the fastest is told', async () => {
  const times = [0.3, 0.1, 0.2];
  const asked: string[] = [];
  const model = {
    profile: async <Result>(run: () => Promise<Result>) => {
      const result = await run();
      return { result, operators, seconds: times[asked.length - 1] };
    },
  };
  const run = async () => asked.push('run');
  expect(await profileFastest(model, 'some work', 3, run)).toEqual({
    work: 'some work',
    operators,
    seconds: 0.1,
  });
  expect(asked).toHaveLength(3);
});
