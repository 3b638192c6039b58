// The wall to native code: lib/ops lets no bad call through, but no mistake in it may reach memory outside an array.
import { listDevices, ScanPath } from '../../lib';
import { native } from '../../lib/native';
import { kernelsOf } from '../helpers/kernel-sets';

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
  expect((await run({})).split('/')[0]).toBe(kernelsOf(native.cpuBackends().chosen));
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

const scanPaths = () => ({
  places: 4,
  directions: 2,
  positions: int32s(0, 2, 1),
  offsets: int32s(0, 2, 3),
  orders: int32s(0, 1, 2, 3, 3, 1, 2, 0),
  rowAt: new Int32Array(8),
  index: new Int32Array(6),
  gap: new Int32Array(6),
});
const conv2d = () => ({
  channels: 3,
  height: 2,
  width: 2,
  size: 3,
  x: new Float32Array(9),
  weight: new Float32Array(27),
  positions: int32s(0, 2, 1),
  offsets: int32s(0, 2, 3),
  rowAt: int32s(0, -1, -1, 2, 1, -1, -1, -1),
  out: new Float32Array(9),
  activation: 'none' as const,
});
const patches = () => ({
  images: 2,
  channels: 1,
  height: 3,
  width: 3,
  outHeight: 2,
  outWidth: 2,
  kernel: 2,
  stride: 1,
  padding: 0,
  firstRow: 5,
  rows: 3,
  x: new Float32Array(18),
  planar: true,
  relu: false,
  out: new Float32Array(12),
});

test('runs operators on grids that are whole', async () => {
  await native.runOp('scan_paths', scanPaths(), {});
  await native.runOp('depthwise_conv2d', conv2d(), {});
  await native.runOp('image_patches', patches(), {});
});

test.each<[string, () => Promise<unknown>, string]>([
  [
    'positions that do not rise',
    async () => native.runOp('scan_paths', { ...scanPaths(), positions: int32s(2, 2, 1) }, {}),
    'positions that rise within a sequence for native argument positions.',
  ],
  [
    'positions beyond the places',
    async () => native.runOp('scan_paths', { ...scanPaths(), positions: int32s(0, 4, 1) }, {}),
    'for native argument positions.',
  ],
  [
    'an order that visits a place twice',
    async () => native.runOp('scan_paths', { ...scanPaths(), orders: int32s(0, 1, 2, 3, 3, 1, 2, 3) }, {}),
    'each place once for native argument orders.',
  ],
  [
    'an order that leaves the places',
    async () => native.runOp('scan_paths', { ...scanPaths(), orders: int32s(0, 1, 2, 3, 3, 1, 2, 4) }, {}),
    'for native argument orders.',
  ],
  [
    'labels without room for them',
    async () => native.runOp('scan_paths', { ...scanPaths(), labels: new Int32Array(8) }, {}),
    'for native argument label.',
  ],
  [
    'an index without room for all directions',
    async () => native.runOp('scan_paths', { ...scanPaths(), index: new Int32Array(5) }, {}),
    'for native argument index.',
  ],
  [
    'rows of another sequence',
    async () => native.runOp('depthwise_conv2d', { ...conv2d(), rowAt: conv2d().rowAt.fill(2) }, {}),
    'rows of the sequences that they are listed for',
  ],
  [
    'rows that are not there',
    async () => native.runOp('depthwise_conv2d', { ...conv2d(), rowAt: conv2d().rowAt.fill(3) }, {}),
    'for native argument rowAt.',
  ],
  [
    'a row outside the grid',
    async () => native.runOp('depthwise_conv2d', { ...conv2d(), positions: int32s(0, 2, 4) }, {}),
    'for native argument positions.',
  ],
  [
    'a window of even size',
    async () => native.runOp('depthwise_conv2d', { ...conv2d(), size: 2 }, {}),
    'an odd number from 1 to 15 for native argument size.',
  ],
  [
    'a window that is too large',
    async () =>
      native.runOp('depthwise_conv2d', { ...conv2d(), size: 17, weight: new Float32Array(867) }, {}),
    'an odd number from 1 to 15 for native argument size.',
  ],
  [
    'rows beyond the last image',
    async () => native.runOp('image_patches', { ...patches(), firstRow: 6 }, {}),
    'for native argument firstRow.',
  ],
  [
    'a row before the first image',
    async () => native.runOp('image_patches', { ...patches(), firstRow: -1 }, {}),
    'for native argument firstRow.',
  ],
  [
    'a padding below 0',
    async () => native.runOp('image_patches', { ...patches(), padding: -1 }, {}),
    'for native argument padding.',
  ],
  [
    'images that are too short',
    async () => native.runOp('image_patches', { ...patches(), x: new Float32Array(17) }, {}),
    'an array that holds its whole shape for native argument x.',
  ],
])('refuses %s', async (_what, call, message) => {
  await expect(call()).rejects.toMatchObject({
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

const selection = () => ({
  policy: 'merge' as const,
  keep: 0.5,
  qHidden: 0,
  qResidual: 0,
  pruneBelow: 0,
  mergeAbove: 0,
  seed: 0,
  layer: 0,
  fuse: false,
  forward: false,
  offsets: int32s(0, 4),
  dim: 1,
  features: new Float32Array(4).fill(1),
  kept: new Int32Array(4),
  keptSizes: new Int32Array(4),
  keptOffsets: new Int32Array(2),
  destHidden: new Int32Array(4),
  destResidual: new Int32Array(4),
  weights: new Float32Array(4),
});
const reduced = () => ({
  rows: 3,
  keptRows: 2,
  dim: 1,
  hidden: new Float32Array(3),
  destHidden: int32s(0, 0, 2),
  weights: new Float32Array(3).fill(1),
  kept: int32s(0, 2),
  hiddenOut: new Float32Array(2),
  positions: int32s(0, 1, 5),
  protected: new Int32Array(3),
  keptOffsets: int32s(0, 2),
  start: 0,
  positionsOut: new Int32Array(2),
  protectedOut: new Int32Array(2),
  gapOut: new Int32Array(2),
});

test.each<[string, () => Promise<unknown>, string]>([
  [
    'sizes whose sum no int32 holds',
    async () => native.runOp('select_tokens', { ...selection(), sizes: int32s(2 ** 31 - 2, 1, 1, 1) }, {}),
    'sizes whose sum is at most 2147483647 for native argument sizes.',
  ],
  [
    'a negative size of a token',
    async () => native.runOp('select_tokens', { ...selection(), sizes: int32s(1, -1, 1, 1) }, {}),
    'for native argument sizes.',
  ],
  [
    'a seed that is no number',
    async () => native.runOp('select_tokens', { ...selection(), seed: Number.NaN }, {}),
    'a whole number from 0 for native argument seed.',
  ],
  [
    'a layer below the first',
    async () => native.runOp('select_tokens', { ...selection(), layer: -1 }, {}),
    'a whole number from 0 for native argument layer.',
  ],
  [
    'positions so far apart that no int32 holds their distance',
    async () => native.runOp('reduce_tokens', { ...reduced(), positions: int32s(-(2 ** 31), 1, 5) }, {}),
    'for native argument positions.',
  ],
  [
    'a start that is no number',
    async () => native.runOp('reduce_tokens', { ...reduced(), start: Number.NaN }, {}),
    'a whole number from 0 for native argument start.',
  ],
])('refuses %s', async (_what, call, message) => {
  await expect(call()).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining(message),
  });
});

test('operators that read what they wrote stay inside of arrays that overlap', async () => {
  await native.runOp('reduce_tokens', reduced(), {});
  const memory = new ArrayBuffer(16);
  const [whole, real] = [new Int32Array(memory), new Float32Array(memory)];
  for (const backend of native.cpuBackends().available) {
    // A row's destination is its weight's bits; the places of a grid are labels below 0.
    const overlapping = { ...selection(), policy: 'ltmp' as const, scores: real, features: real };
    await native.runOp('select_tokens', { ...overlapping, destHidden: whole, weights: real }, { backend });
    await native.runOp('select_tokens', { ...selection(), destHidden: whole, weights: real }, { backend });
    const shared = new Int32Array(8);
    const labels = { labels: new Int32Array(8).fill(-9), label: shared.subarray(0, 6), rowAt: shared };
    await native.runOp('scan_paths', { ...scanPaths(), ...labels }, { backend });
  }
});
