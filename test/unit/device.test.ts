import { cudaStatus, listDevices } from '../../lib';
import { resolveDevice } from '../../lib/device';
import { fake, withGpus } from '../helpers/fake-gpu';

jest.mock('../../lib/native', () => jest.requireActual('../helpers/fake-gpu'));

const without = { devices: [], runtime: '13.0', reason: 'no NVIDIA driver was found.' };

test('the CPU comes first, then the GPUs by their numbers', () => {
  fake.status = withGpus(2);
  const [cpu, first, second, ...others] = listDevices();
  expect(cpu).toMatchObject({ id: 'cpu', backend: 'portable' });
  expect(cpu.threads).toBeGreaterThan(0);
  const gpu = {
    name: 'Fake GPU',
    backend: 'cuda',
    memory: 8 * 2 ** 30,
    capability: '9.0',
    multiprocessors: 132,
  };
  expect([first, second]).toEqual([
    { id: 'cuda:0', ...gpu },
    { id: 'cuda:1', ...gpu },
  ]);
  expect(others).toEqual([]);
  expect(cudaStatus()).toEqual({ available: true, driver: '13.0', runtime: '13.0' });
});

test('without a GPU there is the CPU, and a reason', () => {
  fake.status = without;
  expect(listDevices().map(({ id }) => id)).toEqual(['cpu']);
  expect(cudaStatus()).toEqual({ available: false, runtime: '13.0', reason: without.reason });
});

test("'auto' is the first GPU if there is one", () => {
  fake.status = withGpus(2);
  expect(resolveDevice('auto')).toBe('cuda:0');
  expect(resolveDevice('cuda:1')).toBe('cuda:1');
  expect(resolveDevice('cpu')).toBe('cpu');
  fake.status = without;
  expect(resolveDevice('auto')).toBe('cpu');
});

test.each([
  [without, 'cuda:0', "no NVIDIA driver was found. Use 'cpu'."],
  [withGpus(1), 'cuda:1', "this machine has 1 CUDA device. Use 'cuda:0', or 'cpu'."],
  [withGpus(2), 'cuda:2', "this machine has 2 CUDA devices. Use one from 'cuda:0' to 'cuda:1', or 'cpu'."],
] as const)('a device that is not there is an error that says why: %#', (status, device, why) => {
  fake.status = status as typeof fake.status;
  expect(() => resolveDevice(device)).toThrow(
    expect.objectContaining({ code: 'ERR_DEVICE', message: `Device ${device} is not available: ${why}` }),
  );
});

test.each(['gpu', 'cuda', 'cuda:', 'cuda:-1', 'cuda:01', 'cuda:1.5', 'CUDA:0', 7, null])(
  'what names no device is a bad argument: %p',
  (device) => {
    expect(() => resolveDevice(device as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_ARGUMENT',
        message: expect.stringMatching(/^Expected 'auto', 'cpu' or 'cuda:<number>' for device but received/),
      }),
    );
  },
);
