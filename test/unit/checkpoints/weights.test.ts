import { truncateSync } from 'node:fs';
import { openWeights } from '../../../lib';

import { f32, safetensorsFile } from '../../helpers/safetensors-file';
import { TemporaryDirectory } from '../../helpers/temporary';

/** What work fails with; nothing where it does not. */
const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error) => error,
  );
const folder = new TemporaryDirectory();
const bits = (values: Uint16Array | Int32Array | BigInt64Array) => new Uint8Array(values.buffer);
const file = folder.write(
  'own.safetensors',
  safetensorsFile({
    // An odd number of bytes first, so that nothing that follows is aligned.
    mask: { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 0, 1) },
    'block.A': f32([2, 2], [-1, -2, -3, -4.5]),
    half: { dtype: 'BF16', shape: [2], data: bits(Uint16Array.of(0x3f80, 0xc000)) },
    ids: { dtype: 'I32', shape: [2], data: bits(Int32Array.of(7, -8)) },
    wide: { dtype: 'I64', shape: [1], data: bits(BigInt64Array.of(5n)) },
    scale: f32([], [0.25]),
    empty: f32([0, 4], []),
  }),
);

test('lists what the file holds without reading it', async () => {
  const weights = await openWeights(file);
  expect(weights.file).toBe(file);
  expect([...weights.tensors.keys()]).toEqual(['mask', 'block.A', 'half', 'ids', 'wide', 'scale', 'empty']);
  expect(weights.tensors.get('block.A')).toEqual({ dtype: 'f32', shape: [2, 2] });
  expect(weights.tensors.get('wide')).toEqual({ dtype: 'i64', shape: [1] });
});

test('reads tensors of every dtype that tensors have', async () => {
  const weights = await openWeights(file);
  const A = await weights.read('block.A', { shape: [2, 2] });
  expect([A.dtype, A.device, A.shape, [...A.data()]]).toEqual(['f32', 'cpu', [2, 2], [-1, -2, -3, -4.5]]);
  const half = await weights.read('half');
  expect([half.dtype, [...half.data()], [...half.toFloat32()]]).toEqual(['bf16', [0x3f80, 0xc000], [1, -2]]);
  const ids = await weights.read('ids');
  expect([ids.dtype, [...ids.data()]]).toEqual(['i32', [7, -8]]);
  const scale = await weights.read('scale');
  expect([scale.shape, [...scale.data()]]).toEqual([[1], [0.25]]);
});

test('converts while reading', async () => {
  const weights = await openWeights(file);
  const half = await weights.read('half', { dtype: 'f32', device: 'cpu' });
  expect([half.dtype, [...half.data()]]).toEqual(['f32', [1, -2]]);
  const A = await weights.read('block.A', { dtype: 'bf16' });
  expect([A.dtype, [...A.toFloat32()]]).toEqual(['bf16', [-1, -2, -3, -4.5]]);
});

test('two reads of a tensor share no memory', async () => {
  const weights = await openWeights(file);
  const [a, b] = await Promise.all([weights.read('block.A'), weights.read('block.A')]);
  a.data()[0] = 5;
  expect(b.data()[0]).toBe(-1);
});

test.each([
  [
    'a name that is not there',
    (w) => w.read('block.B'),
    'ERR_CHECKPOINT',
    /own\.safetensors: there is no tensor "block\.B"\. The file holds block\.A, empty, half, ids, mask, scale, wide\.$/,
  ],
  [
    'another shape',
    (w) => w.read('block.A', { shape: [4] }),
    'ERR_CHECKPOINT',
    /tensor "block\.A" has the shape \[2, 2\]; expected \[4\]\.$/,
  ],
  [
    'a shape that is none',
    (w) => w.read('block.A', { shape: 4 as never }),
    'ERR_ARGUMENT',
    /for shape but received 4\.$/,
  ],
  [
    'a dtype that tensors do not have',
    (w) => w.read('wide'),
    'ERR_UNSUPPORTED',
    /tensor "wide" is i64; tensors are f32, bf16, f16 or i32\.$/,
  ],
  ['no elements', (w) => w.read('empty'), 'ERR_UNSUPPORTED', /tensor "empty" has no elements\.$/],
  ['a dtype that there is not', (w) => w.read('block.A', { dtype: 'f64' as never }), 'ERR_ARGUMENT', /dtype/],
  ['a device that there is not', (w) => w.read('block.A', { device: 'gpu' as never }), 'ERR_ARGUMENT', /gpu/],
] as [string, (weights: Awaited<ReturnType<typeof openWeights>>) => Promise<unknown>, string, RegExp][])(
  'refuses %s',
  async (_what, read, code, message) => {
    const weights = await openWeights(file);
    const error = await failure(read(weights));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  },
);

test('refuses a file that became shorter since it was opened', async () => {
  const copy = folder.write(
    'cut.safetensors',
    safetensorsFile({ a: f32([1], [1]), b: f32([4], [1, 2, 3, 4]) }),
  );
  const weights = await openWeights(copy);
  truncateSync(copy, 90);
  const error = await failure(weights.read('b'));
  expect(error).toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringMatching(/truncated or corrupt/),
  });
});

test('refuses a file that was written anew since it was opened', async () => {
  const copy = folder.write(
    'anew.safetensors',
    safetensorsFile({ a: f32([2], [1, 2]), b: f32([2], [3, 4]) }),
  );
  const weights = await openWeights(copy);
  folder.write('anew.safetensors', safetensorsFile({ b: f32([2], [3, 4]), a: f32([2], [1, 2]) }));
  const error = await failure(weights.read('a'));
  expect(error).toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringMatching(/was changed while it was read/),
  });
});

test.each([
  ['nothing', '', 'ERR_ARGUMENT', /the path of a weights file/],
  ['a file that is not there', `${folder.path}/none.safetensors`, 'ERR_CHECKPOINT', /does not exist/],
  [
    'a file that is none of weights',
    folder.write('weights.txt', 'text'),
    'ERR_CHECKPOINT',
    /ends in \.safetensors/,
  ],
])('does not open %s', async (_what, path, code, message) => {
  const error = await failure(openWeights(path));
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
});
