// Tensors on a GPU: what they hold, copies both ways, who owns the memory.
import { type Dtype, Tensor } from '../../lib';
import { fake, withGpus } from '../helpers/fake-gpu';

jest.mock('../../lib/native', () => jest.requireActual('../helpers/fake-gpu'));

const device = 'cuda:0';

beforeEach(() => {
  fake.status = withGpus(2);
  fake.free = Infinity;
  fake.live = 0;
});

test.each<[Dtype, number[]]>([
  ['f32', [1.5, -2, 0.1]],
  ['bf16', [1.5, -2, 0.1]],
  ['f16', [1.5, -2, 0.1]],
  ['i32', [3, -4, 5]],
])('%s goes there and comes back', async (dtype, values) => {
  const there = Tensor.from(values, [3, 1], { dtype, device });
  expect(there).toMatchObject({ dtype, device, shape: [3, 1], size: 3, disposed: false });
  const back = await there.to('cpu');
  expect(back).toMatchObject({ dtype, device: 'cpu', shape: [3, 1] });
  expect(back.data()).toEqual(Tensor.from(values, [3], { dtype }).data());
  expect(await (await Tensor.zeros([2], { dtype, device }).to('cpu')).data()).toEqual(
    Tensor.zeros([2], { dtype }).data(),
  );
});

test('memory is always new: writing to the source changes nothing there', async () => {
  const source = Float32Array.of(1, 2);
  const there = Tensor.from(source, [2], { device });
  source[0] = 9;
  expect((await there.to('cpu')).data()).toEqual(Float32Array.of(1, 2));
});

test('dtype and device change in one step', async () => {
  const half = await Tensor.from([1 + 2 ** -12], [1]).to({ dtype: 'bf16', device });
  expect(half).toMatchObject({ dtype: 'bf16', device });
  const back = await half.to({ dtype: 'f32', device: 'cpu' });
  expect(back.data()).toEqual(Float32Array.of(1));
  expect(await half.to('f16')).toMatchObject({ dtype: 'f16', device });
  expect(await half.to('cuda:1')).toMatchObject({ dtype: 'bf16', device: 'cuda:1' });
});

test("'auto' is the first GPU", () => {
  expect(Tensor.zeros([1], { device: 'auto' }).device).toBe('cuda:0');
});

test('its elements are out of reach until they are copied', async () => {
  const tensor = Tensor.zeros([1], { device });
  const error = {
    code: 'ERR_DEVICE',
    message:
      "This tensor is on cuda:0, whose memory JavaScript cannot reach. Copy it first: await tensor.to('cpu').",
  };
  expect(() => tensor.data()).toThrow(expect.objectContaining(error));
  expect(() => tensor.toFloat32()).toThrow(expect.objectContaining(error));
});

test('memory that tensors share is given back with the last of them', async () => {
  const first = Tensor.zeros([4], { device });
  const second = await first.to(device);
  expect(fake.live).toBe(1);
  first.dispose();
  first.dispose();
  expect([fake.live, first.disposed, second.disposed]).toEqual([1, true, false]);
  expect((await second.to('cpu')).data()).toHaveLength(4);
  second.dispose();
  expect(fake.live).toBe(0);
  await expect(second.to('cpu')).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
});

test('a tensor may be disposed while it is copied', async () => {
  const tensor = Tensor.from([5], [1], { device });
  const copy = tensor.to('cpu');
  tensor.dispose();
  expect((await copy).data()).toEqual(Float32Array.of(5));
  expect(fake.live).toBe(0);
});

test('a full GPU is an error that names the tensor, and leaves nothing behind', async () => {
  fake.free = 15;
  const error = {
    code: 'ERR_OUT_OF_MEMORY',
    message:
      'A tensor of shape [2, 2] does not fit into the memory of cuda:0 that is left. ' +
      'Dispose of tensors, sessions and models there that are no longer needed.',
  };
  expect(() => Tensor.zeros([2, 2], { device })).toThrow(expect.objectContaining(error));
  expect(() => Tensor.from([1, 2, 3, 4], [2, 2], { device })).toThrow(expect.objectContaining(error));
  await expect(Tensor.zeros([2, 2]).to(device)).rejects.toMatchObject(error);
  expect(fake.live).toBe(0);
  expect(Tensor.zeros([2, 2], { dtype: 'bf16', device }).device).toBe(device);
});

test('a device that is not there says so', async () => {
  const code = 'ERR_DEVICE';
  expect(() => Tensor.zeros([1], { device: 'cuda:2' })).toThrow(expect.objectContaining({ code }));
  await expect(Tensor.zeros([1]).to('cuda:2')).rejects.toMatchObject({ code });
  fake.status = { devices: [], reason: 'this build has no CUDA kernels.' };
  expect(() => Tensor.zeros([1], { device })).toThrow(
    "Device cuda:0 is not available: this build has no CUDA kernels. Use 'cpu'.",
  );
});
