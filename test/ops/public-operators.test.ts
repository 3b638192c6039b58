// What the operators add to the kernels: dtypes, shapes of results, memory, concurrency.
import { type Dtype, ops, ScanPath, Tensor } from '../../lib';
import { expectClose, expectSame } from '../helpers/close';
import { Draw } from '../helpers/random';

const draw = new Draw(3);
const floats = (shape: number[], low = -1, high = 1) =>
  Tensor.from(
    draw.floats(
      shape.reduce((a, b) => a * b),
      low,
      high,
    ),
    shape,
  );

const [T, E, N] = [14, 10, 4];
const scan = {
  u: floats([T, E]),
  delta: floats([T, E]),
  A: floats([E, N], -4, -0.1),
  B: floats([T, N]),
  C: floats([T, N]),
};
const ssd = {
  x: floats([T, 2, 5]),
  dt: floats([T, 2]),
  A: floats([2], -4, -0.1),
  B: floats([T, N]),
  C: floats([T, N]),
};
const conv = { x: floats([T, E]), weight: floats([E, 4]), bias: floats([E]) };
const reshaped = (tensor: Tensor, shape: number[]) => Tensor.from(tensor.toFloat32(), shape);

/** The tensors of an operator in another dtype. */
async function converted<Options extends Record<string, Tensor>>(
  options: Options,
  dtype: Dtype,
): Promise<Options> {
  const entries = Object.entries(options).map(async ([name, tensor]) => [name, await tensor.to(dtype)]);
  return Object.fromEntries(await Promise.all(entries));
}

describe.each(['bf16', 'f16'] as const)('%s', (dtype) => {
  test('is computed in float32: the result is the rounded one of the widened inputs, the state float32', async () => {
    const half = await converted(scan, dtype);
    const want = await ops.selectiveScan(await converted(half, 'f32'));
    const got = await ops.selectiveScan(half);
    expect(got.y.dtype).toBe(dtype);
    expect(got.y.data()).toEqual((await want.y.to(dtype)).data());
    expect(got.state.dtype).toBe('f32');
    expectSame('state', got.state.data(), want.state.data());
  });

  test('inputs, weights and residual streams may have different dtypes', async () => {
    const x = await floats([3, 8]).to(dtype);
    const weight = floats([8]);
    const { y, residual } = await ops.rmsNorm({ x, weight, residual: floats([3, 8]) });
    expect([y.dtype, residual.dtype]).toEqual([dtype, 'f32']);
    const centred = await ops.layerNorm({ x, weight, bias: floats([8]), residual: floats([3, 8]) });
    expect([centred.y.dtype, centred.residual.dtype]).toEqual([dtype, 'f32']);
    expect((await ops.meanRows({ x })).y.dtype).toBe(dtype);
    const added = { ids: Tensor.zeros([3], { dtype: 'i32' }), table: floats([2, 8]) };
    expect((await ops.addRows({ x, ...added })).y.dtype).toBe(dtype);
    const norm = await ops.gatedRmsNorm({ x, z: floats([3, 8]), weight });
    const product = await ops.linear({ x, weight: floats([5, 8]) });
    const full = await ops.linear({ x: floats([3, 8]), weight: await floats([5, 8]).to(dtype) });
    expect([norm.y.dtype, product.y.dtype, full.y.dtype]).toEqual([dtype, dtype, 'f32']);
    const table = await floats([5, 8]).to(dtype);
    const { y: rows } = await ops.embedding({ ids: Tensor.from([4, 0], [2], { dtype: 'i32' }), table });
    expect(rows.dtype).toBe(dtype);
    expect(rows.data().subarray(0, 8)).toEqual(table.data().subarray(32, 40));
  });
});

describe('shapes', () => {
  test('a batch is packed sequences of one length', async () => {
    const batch = { ...scan, u: reshaped(scan.u, [2, 7, E]), delta: reshaped(scan.delta, [2, 7, E]) };
    const grouped = { B: reshaped(scan.B, [2, 7, 1, N]), C: reshaped(scan.C, [2, 7, N]) };
    const got = await ops.selectiveScan({ ...batch, ...grouped });
    const want = await ops.selectiveScan({ ...scan, path: ScanPath.full([7, 7]) });
    expect([got.y.shape, got.state.shape]).toEqual([
      [2, 7, E],
      [2, E, N],
    ]);
    expectSame('y', got.y.data(), want.y.data());
    expectSame('state', got.state.data(), want.state.data());
  });

  test('a batch may have a path too, over its rows one after another', async () => {
    const path = ScanPath.full([7, 7]).reversed().subset([0, 5, 6, 7, 13]);
    const batch = { x: reshaped(ssd.x, [2, 7, 2, 5]), dt: reshaped(ssd.dt, [2, 7, 2]) };
    const grouped = { B: reshaped(ssd.B, [2, 7, N]), C: reshaped(ssd.C, [2, 7, N]) };
    const got = await ops.ssdScan({ ...ssd, ...batch, ...grouped, path });
    const want = await ops.ssdScan({ ...ssd, path });
    expect(got.y.shape).toEqual([2, 7, 2, 5]);
    expectSame('y', got.y.data(), want.y.data());
    const skipped = [...got.y.toFloat32()].filter((_, i) => !path.index.includes(Math.floor(i / 10)));
    expect(skipped).toEqual(new Array(9 * 10).fill(0));
  });

  test("a convolution's weight may be that of a PyTorch module, its state a row shorter than it is returned", async () => {
    const state = floats([1, 3, E]);
    const want = await ops.causalConv({ ...conv, state: reshaped(state, [1, 3, E]) });
    const padded = Tensor.zeros([1, 4, E]);
    (padded.data() as Float32Array).set(state.toFloat32(), E);
    const got = await ops.causalConv({ ...conv, weight: reshaped(conv.weight, [E, 1, 4]), state: padded });
    expectSame('y', got.y.data(), want.y.data());
    expectSame('state', got.state.data(), want.state.data());
    expect(got.state.shape).toEqual([1, 4, E]);
    expectSame('state', got.state.data(), conv.x.toFloat32().subarray(-4 * E));
  });

  test('products, norms, embeddings and log-probabilities keep the leading dimensions', async () => {
    const x = floats([2, 3, 8]);
    expect((await ops.linear({ x, weight: floats([5, 8]) })).y.shape).toEqual([2, 3, 5]);
    const { y, residual } = await ops.rmsNorm({ x, weight: floats([8]) });
    expect([y.shape, residual.shape]).toEqual([
      [2, 3, 8],
      [2, 3, 8],
    ]);
    expectSame('residual', residual.data(), x.data());
    const centred = await ops.layerNorm({ x, weight: floats([8]), bias: floats([8]) });
    expect([centred.y.shape, centred.residual.shape]).toEqual([x.shape, x.shape]);
    expectSame('residual', centred.residual.data(), x.data());
    const ids = Tensor.zeros([2, 3], { dtype: 'i32' });
    expect((await ops.addRows({ x, ids, table: floats([5, 8]) })).y.shape).toEqual(x.shape);
    expect((await ops.embedding({ ids, table: floats([5, 8]) })).y.shape).toEqual([2, 3, 8]);
    const { best, logprobs } = await ops.tokenLogprobs({ logits: x, tokens: ids });
    expect([best.shape, best.dtype, logprobs.shape, logprobs.dtype]).toEqual([[2, 3], 'i32', [2, 3], 'f32']);
    expect(await ops.tokenLogprobs({ logits: x })).not.toHaveProperty('logprobs');
  });
});

test('a mean is of all rows, of each of a batch or of those that offsets cut out', async () => {
  const x = floats([2, 3, 2]);
  const [a, b, c, d, e, f] = [0, 2, 4, 6, 8, 10].map((i) => x.toFloat32()[i]);
  const rows = reshaped(x, [6, 2]);
  const first = async (options: ops.MeanRowsOptions) => {
    const { y } = await ops.meanRows(options);
    expect(y.shape).toEqual([y.size / 2, 2]);
    return y.toFloat32().filter((_, i) => i % 2 === 0);
  };
  expectClose('all', await first({ x: rows }), [(a + b + c + d + e + f) / 6], 1e-6);
  expectClose('a batch', await first({ x }), [(a + b + c) / 3, (d + e + f) / 3], 1e-6);
  const offsets = [0, 1, 1, 6];
  expectClose('cut', await first({ x: rows, offsets }), [a, 0, (b + c + d + e + f) / 5], 1e-6);
});

test('rows of a table are added by their ids', async () => {
  const [x, table] = [floats([3, 2]), floats([2, 2])];
  const { y } = await ops.addRows({ x, table, ids: Tensor.from(Int32Array.of(1, 0, 1), [3]) });
  const entry = table.toFloat32();
  const want = x.toFloat32().map((v, i) => v + entry[[2, 3, 0, 1, 2, 3][i]]);
  expectSame('y', y.toFloat32(), want);
});

test('a layer norm centres and scales each row of the sum', async () => {
  const ones = Tensor.from(new Float32Array(8).fill(1), [8]);
  const [x, residual] = [floats([3, 8]), floats([3, 8], 5, 9)];
  const { y, residual: sum } = await ops.layerNorm({ x, residual, weight: ones, bias: Tensor.zeros([8]) });
  const added = residual.toFloat32();
  expectSame(
    'residual',
    sum.toFloat32(),
    x.toFloat32().map((v, i) => v + added[i]),
  );
  for (let row = 0; row < 3; row++) {
    const values = [...y.toFloat32().subarray(8 * row, 8 * row + 8)];
    const mean = values.reduce((total, v) => total + v) / 8;
    const variance = values.reduce((total, v) => total + v * v, 0) / 8;
    expectClose('mean and variance', [mean, variance], [0, 1], 1e-4); // eps is 1e-5
  }
});

test('scans in two directions add up, and the last one gates their mean', async () => {
  const z = floats([T, E]);
  const backward = { ...scan, delta: floats([T, E]), path: ScanPath.full(T).reversed() };
  const [one, other] = await Promise.all([ops.selectiveScan(scan), ops.selectiveScan(backward)]);
  const before = one.y.toFloat32().slice();
  const both = await ops.selectiveScan({ ...backward, sumIn: one.y, outputScale: 0.5, z });
  const mean = other.y.toFloat32().map((y, i) => (y + before[i]) / 2);
  const gate = z.toFloat32().map((v) => v / (1 + Math.exp(-v)));
  expectClose(
    'y',
    both.y.toFloat32(),
    mean.map((y, i) => y * gate[i]),
    1e-6,
  );
  expectSame('the earlier sum', one.y.toFloat32(), before);
});

test('inputs are left as they are, and outputs are new', async () => {
  const state = floats([1, E, N]);
  const before = [scan.u, scan.delta, state].map((tensor) => tensor.toFloat32().slice());
  const first = await ops.selectiveScan({ ...scan, state });
  const second = await ops.selectiveScan({ ...scan, state });
  expect([scan.u, scan.delta, state].map((tensor) => tensor.toFloat32())).toEqual(before);
  expectSame('y', second.y.data(), first.y.data());
  expect(second.y.data()).not.toBe(first.y.data());
});

test('an argument that is undefined is one that is absent', async () => {
  const want = await ops.selectiveScan(scan);
  const got = await ops.selectiveScan({
    ...scan,
    D: undefined,
    path: undefined,
    alignment: undefined,
    softplus: undefined,
  });
  expectSame('y', got.y.data(), want.y.data());
});

test('operators may run at the same time, and their tensors be disposed meanwhile', async () => {
  const wide = { x: floats([200, 96]), weight: floats([300, 96]) };
  const want = await ops.linear(wide);
  const calls = Array.from({ length: 12 }, () => {
    const x = Tensor.from(wide.x.toFloat32().slice(), [200, 96]);
    const call = ops.linear({ x, weight: wide.weight });
    x.dispose();
    return call;
  });
  for (const { y } of await Promise.all(calls)) expectSame('y', y.data(), want.y.data());
});

test('the event loop turns while an operator runs', async () => {
  const call = ops.linear({ x: floats([256, 512]), weight: floats([2048, 512]) });
  let done = false;
  let turns = 0;
  call.then(() => {
    done = true;
  });
  while (!done) {
    await new Promise(setImmediate);
    turns++;
  }
  expect(turns).toBeGreaterThan(1);
});

test('a decoding step continues what a scan left', async () => {
  const rows = (tensor: Tensor, begin: number, end: number) => {
    const width = tensor.size / T;
    return Tensor.from(tensor.toFloat32().slice(begin * width, end * width), [
      end - begin,
      ...tensor.shape.slice(1),
    ]);
  };
  const part = (begin: number, end: number) => ({
    ...ssd,
    x: rows(ssd.x, begin, end),
    dt: rows(ssd.dt, begin, end),
    B: rows(ssd.B, begin, end),
    C: rows(ssd.C, begin, end),
  });
  const whole = await ops.ssdScan(ssd);
  const { state } = await ops.ssdScan(part(0, T - 1));
  const step = await ops.ssdScan({ ...part(T - 1, T), state, path: ScanPath.full([1]) });
  expectClose('y', step.y.toFloat32(), rows(whole.y, T - 1, T).toFloat32(), 1e-6);
  expectClose('state', step.state.toFloat32(), whole.state.toFloat32(), 1e-6);
});
