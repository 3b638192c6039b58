// The wall to native code: lib/ops lets no bad call through, but no mistake in it may reach memory outside an array.
import { listDevices, ScanPath } from '../../lib';
import { native } from '../../lib/native';

const path = ScanPath.full(2);
const params = () => ({
  rows: 2,
  channels: 3,
  width: 2,
  path: { index: path.index, paramIndex: path.paramIndex, gap: path.gap, offsets: path.offsets },
  x: new Float32Array(6),
  weight: new Float32Array(6),
  y: new Float32Array(6),
  mode: 'compact' as const,
  silu: true,
});
const run = async (change: object) => native.runOp('causal_conv', { ...params(), ...change }, {});
const detached = new Float32Array(6);
structuredClone(detached, { transfer: [detached.buffer] });
const int32s = (...values: number[]) => Int32Array.from(values);

test('runs what is whole, on the chosen backend', async () => {
  expect((await run({})).split('/')[0]).toBe(native.cpuBackends().chosen);
  expect(listDevices()[0]).toMatchObject({ id: 'cpu', backend: native.cpuBackends().chosen });
});

test.each<[string, object, string]>([
  [
    'an array that is too short',
    { x: new Float32Array(5) },
    'an array that holds its whole shape for native argument x.',
  ],
  [
    'an output that is too short',
    { y: new Float32Array(5) },
    'an array that holds its whole shape for native argument y.',
  ],
  [
    'an array of another type',
    { x: new Float64Array(6) },
    'Float32Array, an Int32Array or a Uint16Array for native argument x.',
  ],
  ['a missing array', { weight: undefined }, 'for native argument weight.'],
  ['a detached array', { x: detached }, 'for native argument x.'],
  ['a size of 0', { rows: 0 }, 'a whole number from 1 to 2147483647 for native argument rows.'],
  ['a size that is no number', { channels: Number.NaN }, 'for native argument channels.'],
  ['sizes whose product is too large', { rows: 2 ** 31 - 1, channels: 2 ** 31 - 1 }, 'for native argument'],
  ['a stride within the row', { xStride: 2 }, 'at least the width of a row for native argument xStride.'],
  ['a stride beyond the array', { xStride: 4 }, 'an array that holds its whole shape for native argument x.'],
  [
    'rows outside the tensors',
    { path: { ...params().path, index: int32s(0, 2) } },
    'rows of the tensors for native argument path.index.',
  ],
  ['negative rows', { path: { ...params().path, index: int32s(-1, 0) } }, 'for native argument path.index.'],
  [
    'parameter rows outside the tensors',
    { path: { ...params().path, paramIndex: int32s(0, 9) } },
    'for native argument path.paramIndex.',
  ],
  ['too few gaps', { path: { ...params().path, gap: int32s(1) } }, 'for native argument path.gap.'],
  ['a gap of 0', { path: { ...params().path, gap: int32s(1, 0) } }, 'for native argument path.gap.'],
  [
    'offsets beyond the steps',
    { path: { ...params().path, offsets: int32s(0, 3) } },
    'for native argument path.offsets.',
  ],
  [
    'offsets that descend',
    { path: { ...params().path, offsets: int32s(0, 2, 1, 2) } },
    'for native argument path.offsets.',
  ],
  ['a path without arrays', { path: {} }, 'for native argument path.index.'],
  ['no path', { path: undefined }, 'an object for native argument path.'],
  ['an unknown mode', { mode: 'same' }, 'one of its values for native argument mode.'],
  [
    'a window that is too wide',
    { width: 17, weight: new Float32Array(51) },
    'at most 16 for native argument width.',
  ],
])('refuses %s', async (_what, change, message) => {
  await expect(run(change)).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining(message),
  });
});

test('refuses ids, tokens and rows beyond a table, unknown operators and unknown backends', async () => {
  const embedding = {
    rows: 1,
    vocabulary: 2,
    dim: 1,
    table: new Float32Array(2),
    tableDtype: 'f32' as const,
  };
  const call = async () =>
    native.runOp('embedding', { ...embedding, ids: int32s(2), out: new Float32Array(1) }, {});
  await expect(call()).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  const one = { rows: 1, vocabulary: 2, logits: new Float32Array(2), logprobs: new Float32Array(1) };
  const score = async () => native.runOp('token_logprobs', { ...one, tokens: int32s(2) }, {});
  await expect(score()).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  const row = () => new Float32Array(3);
  const norm = { rows: 1, dim: 3, inputRows: 1, x: row(), weight: row(), out: row(), eps: 1e-5 };
  const gather = async () => native.runOp('rms_norm', { ...norm, index: int32s(1) }, {});
  await expect(gather()).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  const added = { rows: 1, dim: 3, entries: 1, x: row(), table: row(), out: row() };
  const add = async () => native.runOp('add_rows', { ...added, ids: int32s(1) }, {});
  await expect(add()).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  expect(() => native.runOp('pooling' as never, {} as never, {})).toThrow(
    'an operator for native argument name.',
  );
  expect(() => native.runOp('causal_conv', params(), { backend: 'sse' })).toThrow(
    'for native argument backend.',
  );
});

test('refuses an earlier sum whose rows do not lie as those of y', async () => {
  const rows = () => new Float32Array(6);
  const states = { A: rows(), B: rows(), C: rows(), dState: 1, groups: 1 };
  const scan = { ...params(), ...states, u: rows(), delta: rows(), y: new Float32Array(8), yStride: 5 };
  const call = async (sum: number) => {
    const yIn = new Float32Array(sum);
    await native.runOp('selective_scan', { ...scan, yIn, alignment: 'next', softplus: true }, {});
  };
  await call(8);
  await expect(call(7)).rejects.toMatchObject({
    message: expect.stringContaining('an array that holds its whole shape for native argument yIn.'),
  });
});
