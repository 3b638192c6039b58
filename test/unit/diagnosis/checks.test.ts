import type { CudaStatus } from '../../../lib/device';
import { checkCuda } from '../../../lib/diagnosis/engine';
import { checkMemory, checkProcessor, checkSystem, isOlder } from '../../../lib/diagnosis/environment';
import { checkHub } from '../../../lib/diagnosis/hub';
import { checkImages, checkModels } from '../../../lib/diagnosis/models';
import { TemporaryDirectory } from '../../helpers/temporary';

const files = new TemporaryDirectory();
const saved = { ...process.env };
afterEach(() => {
  process.env = { ...saved };
});

test('versions are compared number by number', () => {
  expect(isOlder('2.17', '2.28')).toBe(true);
  expect(isOlder('2.9', '2.28')).toBe(true);
  expect(isOlder('2', '2.28')).toBe(true);
  expect(isOlder('2.28', '2.28')).toBe(false);
  expect(isOlder('2.40', '2.28')).toBe(false);
  expect(isOlder('3.0', '2.28')).toBe(false);
});

test.each([
  [
    'glibc of today',
    { platform: 'linux', arch: 'x64', libc: 'glibc', glibc: '2.36' },
    'ok',
    'linux-x64, glibc 2.36',
  ],
  ['a Mac', { platform: 'darwin', arch: 'arm64' }, 'ok', 'darwin-arm64'],
  [
    'an old glibc',
    { platform: 'linux', arch: 'x64', libc: 'glibc', glibc: '2.17' },
    'warning',
    'linux-x64, glibc 2.17',
  ],
  ['Alpine', { platform: 'linux', arch: 'arm64', libc: 'musl' }, 'warning', 'linux-arm64, musl'],
  ['Windows', { platform: 'win32', arch: 'x64' }, 'failure', 'win32-x64'],
] as const)('the system: %s', (_, system, status, found) => {
  const check = checkSystem(system);
  expect(check).toMatchObject({ name: 'system', status, found });
  expect(check.advice === undefined).toBe(status === 'ok');
});

test("a container's share of the processors is told", () => {
  const root = files.writeAll('limited', {
    'proc/self/cgroup': '0::/\n',
    'sys/fs/cgroup/cpu.max': '150000 100000\n',
  });
  expect(checkProcessor(root, 64)).toMatchObject({
    status: 'ok',
    found: expect.stringMatching(/, 2 threads, of 64 processors, of whose time the container may use 1\.5$/),
  });
  expect(checkProcessor(files.writeAll('free', {}), 64).found).toMatch(/, 64 threads$/);
});

test('little memory is warned of', () => {
  expect(checkMemory({ total: 2 ** 32, available: 2 ** 31 })).toEqual({
    name: 'memory',
    status: 'ok',
    found: '4.0 GiB, 2.0 GiB available',
  });
  expect(checkMemory({ total: 2 ** 32, available: 0 })).toMatchObject({ status: 'ok', found: '4.0 GiB' });
  expect(checkMemory({ total: 2 ** 29, available: 2 ** 28 })).toMatchObject({
    status: 'warning',
    found: '0.5 GiB, 0.3 GiB available',
    expected: '0.5 GiB or more, for a small model',
  });
});

test.each<[string, CudaStatus, boolean, string, string | undefined]>([
  [
    'no GPU, no kernels',
    { available: false, reason: 'this build has no CUDA kernels.' },
    false,
    'ok',
    undefined,
  ],
  ['a GPU', { available: true, driver: '13.0', runtime: '13.0' }, true, 'ok', undefined],
  [
    'a GPU, no kernels',
    { available: false, reason: 'this build has no CUDA kernels.' },
    true,
    'warning',
    'Install the CUDA toolkit (nvcc 12.0 or newer) and build from source',
  ],
  [
    'an old driver',
    {
      available: false,
      driver: '11.4',
      runtime: '13.0',
      reason: 'the NVIDIA driver supports CUDA 11.4 but this build needs CUDA 13.0; update the driver.',
    },
    true,
    'warning',
    'Update the driver where it is too old',
  ],
])('CUDA: %s', (_, cuda, hasGpu, status, advice) => {
  const check = checkCuda(cuda, hasGpu);
  expect(check.status).toBe(status);
  expect(check.advice?.slice(0, advice?.length)).toBe(advice);
  if (cuda.reason) expect(check.found).toContain(`not used: ${cuda.reason.slice(0, -1)}`);
});

test('a cache in a folder that is still to be made is fine where that can be made', async () => {
  delete process.env.HF_HUB_OFFLINE;
  delete process.env.HF_ENDPOINT;
  expect(await checkHub(`${files.path}/a/b`)).toMatchObject({
    status: 'ok',
    found: expect.stringMatching(
      /\/a\/b, [\d.]+ GiB free; downloads come from huggingface\.co, when a hub id is asked for$/,
    ),
  });
});

test('offline mode is told', async () => {
  process.env.HF_HUB_OFFLINE = '1';
  expect((await checkHub(files.path)).found).toContain('offline by the environment variable HF_HUB_OFFLINE');
});

test('a cache that cannot be written to is warned of', async () => {
  const file = files.write('file', '');
  expect(await checkHub(`${file}/cache`)).toMatchObject({
    status: 'warning',
    found: expect.stringMatching(/\/file\/cache cannot be written to \((ENOTDIR|EACCES) at .*\/file/),
    advice: expect.stringContaining('HF_HUB_CACHE'),
  });
});

test("a server's address that is none is warned of", async () => {
  process.env.HF_ENDPOINT = 'nonsense';
  expect(await checkHub(files.path)).toMatchObject({
    status: 'warning',
    found: "the environment variable HF_ENDPOINT is 'nonsense'",
  });
});

test('models: a missing one is a failure; without a device none is tried', async () => {
  expect(await checkModels(['cpu'], files.path)).toMatchObject([
    { name: 'model on cpu', status: 'failure', advice: expect.stringContaining('install the package anew') },
  ]);
  expect(await checkModels([])).toMatchObject([{ name: 'model', status: 'skipped' }]);
});

test('images: a picture that cannot be read is a warning', async () => {
  expect(await checkImages()).toMatchObject({ status: 'ok', found: 'decodes a JPEG of 200 x 240' });
  expect(await checkImages(files.path)).toMatchObject({ name: 'images', status: 'warning' });
});
