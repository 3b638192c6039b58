import { availableProcessors, processorQuota } from '../../lib/processors';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const v1 = '3:cpuset:/\n2:cpu,cpuacct:/docker/1\n0::/\n';

test.each<[string, Record<string, string>, number | undefined]>([
  ['no control groups', {}, undefined],
  ['no limit', { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': 'max 100000\n' }, undefined],
  ['a limit', { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '150000 100000\n' }, 1.5],
  [
    'a limit of a group above',
    {
      'proc/self/cgroup': '0::/pod/app\n',
      'sys/fs/cgroup/pod/cpu.max': '200000 100000\n',
      'sys/fs/cgroup/pod/app/cpu.max': 'max 100000\n',
    },
    2,
  ],
  [
    'the smaller of two',
    {
      'proc/self/cgroup': '0::/pod/app\n',
      'sys/fs/cgroup/pod/cpu.max': '200000 100000\n',
      'sys/fs/cgroup/pod/app/cpu.max': '50000 100000\n',
    },
    0.5,
  ],
  [
    'version 1, seen from inside the container',
    {
      'proc/self/cgroup': v1,
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '300000\n',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    },
    3,
  ],
  [
    'version 1 without a limit',
    {
      'proc/self/cgroup': v1,
      'sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us': '-1\n',
      'sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us': '100000\n',
    },
    undefined,
  ],
])('the quota of a container: %s', (name, content, expected) => {
  expect(processorQuota(files.writeAll(name, content))).toBe(expected);
});

test('threads are as many as run at once: no more than processors, nor than a quota, but one', () => {
  const limited = (quota: number) =>
    files.writeAll(`quota ${quota}`, {
      'proc/self/cgroup': '0::/\n',
      'sys/fs/cgroup/cpu.max': `${quota * 100000} 100000\n`,
    });
  expect(availableProcessors(limited(1.5), 8)).toBe(2);
  expect(availableProcessors(limited(16), 8)).toBe(8);
  expect(availableProcessors(limited(0.25), 8)).toBe(1);
  expect(availableProcessors(files.writeAll('none', {}), 8)).toBe(8);
});
