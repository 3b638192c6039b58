// Operators on tensors of a GPU: what may be mixed, what the addon is given, who owns the memory of results.
import { type Dtype, ops, SkipscanError, Tensor } from '../../lib';
import { fake, isThere } from '../helpers/fake-gpu';

jest.mock('../../lib/native', () => jest.requireActual('../helpers/fake-gpu'));

const device = 'cuda:0';
const t = (shape: number[], dtype: Dtype = 'f32') => Tensor.zeros(shape, { dtype, device });
const scan = (dtype: Dtype = 'f32') => ({
  u: t([5, 6], dtype),
  delta: t([5, 6], dtype),
  A: t([6, 3]),
  B: t([5, 3], dtype),
  C: t([5, 3], dtype),
});
const selection = {
  kept: Int32Array.of(0, 2),
  destHidden: Int32Array.of(0, 0, 2),
  destResidual: Int32Array.of(0, 2, 2),
  weights: Float32Array.of(1, 1, 1),
};

beforeEach(() => {
  fake.free = Infinity;
  fake.live = 0;
  fake.calls = [];
  fake.outcome = async () => 'cuda/fake';
});

/** The arrays of the last operator that are in the GPU's memory, by name with their dtypes. */
function arraysThere(): Record<string, string> {
  const { params } = fake.calls.at(-1)!;
  const there = Object.entries(params).filter(([, value]) => isThere(value));
  return Object.fromEntries(there.map(([name, array]) => [name, (array as { dtype: string }).dtype]));
}

test('arrays are handed over where they are, and results are made there', async () => {
  fake.outcome = async () => {
    expect(arraysThere()).toEqual({
      u: 'bf16',
      delta: 'bf16',
      A: 'f32',
      B: 'bf16',
      C: 'bf16',
      y: 'bf16',
      stateOut: 'f32',
      importance: 'f32',
    });
    return 'cuda/fake';
  };
  const result = await ops.selectiveScan({ ...scan('bf16'), importance: { metric: 'l1' } });
  expect(fake.calls).toMatchObject([{ name: 'selective_scan', device }]);
  expect(result.y).toMatchObject({ device, dtype: 'bf16', shape: [5, 6] });
  expect(result.state).toMatchObject({ device, dtype: 'f32', shape: [1, 6, 3] });
  expect(result.importance).toMatchObject({ device, dtype: 'f32', shape: [5] });
});

test('results have the documented dtypes', async () => {
  const x = t([3, 8], 'f16');
  const weight = t([8]);
  const norm = await ops.rmsNorm({ x, weight, residual: t([3, 8]) });
  expect([norm.y.dtype, norm.residual.dtype]).toEqual(['f16', 'f32']);
  const alone = await ops.rmsNorm({ x, weight });
  expect([alone.residual.dtype, alone.residual.device]).toEqual(['f16', device]);
  expect((await ops.gatedRmsNorm({ x, z: x, weight })).y.dtype).toBe('f16');
  const centred = await ops.layerNorm({ x, weight, bias: weight, residual: t([3, 8]) });
  expect([centred.y.dtype, centred.residual.dtype]).toEqual(['f16', 'f32']);
  expect((await ops.linear({ x, weight: t([5, 8], 'f16') })).y).toMatchObject({
    dtype: 'f16',
    shape: [3, 5],
  });
  const ids = t([3], 'i32');
  expect((await ops.embedding({ ids, table: t([4, 8], 'bf16') })).y.dtype).toBe('bf16');
  expect((await ops.addRows({ x, ids, table: t([4, 8]) })).y).toMatchObject({ dtype: 'f16', shape: [3, 8] });
  expect((await ops.meanRows({ x, offsets: [0, 2, 3] })).y).toMatchObject({ dtype: 'f16', shape: [2, 8] });
  const conv = await ops.causalConv({ x, weight: t([8, 4]), state: t([1, 3, 8]) });
  expect([conv.y.dtype, conv.state.shape]).toEqual(['f16', [1, 4, 8]]);
  const conv2d = await ops.depthwiseConv2d({ x, weight: t([3, 3, 8]), grid: [1, 3], added: t([3, 8]) });
  expect(conv2d.y).toMatchObject({ dtype: 'f16', device, shape: [3, 8] });
  const patches = await ops.imagePatches({ x: t([2, 3, 9, 7], 'bf16'), kernel: 2, padding: 1 });
  expect(patches.y).toMatchObject({ dtype: 'bf16', device, shape: [2, 20, 12] });
  expect(patches.grid).toEqual([5, 4]);
  const reduced = await ops.reduceTokens({ hidden: x, residual: t([3, 8]), selection });
  expect([reduced.hidden.dtype, reduced.residual.dtype, reduced.hidden.shape]).toEqual([
    'f16',
    'f32',
    [2, 8],
  ]);
  const { scores } = await ops.tokenImportance({ y: x });
  expect(scores).toMatchObject({ dtype: 'f32', device, shape: [3] });
  const { best, logprobs } = await ops.tokenLogprobs({ logits: t([3, 4]), tokens: ids });
  expect([best.dtype, best.device, logprobs.dtype, logprobs.device]).toEqual(['i32', device, 'f32', device]);
});

test('a selection is in memory of the CPU', async () => {
  const policy = { name: 'utrc', keep: 0.5 } as const;
  const chosen = await ops.selectTokens({ policy, scores: t([4]), features: t([4, 2], 'bf16') });
  for (const rows of [chosen.offsets, chosen.destHidden, chosen.positions])
    expect(ArrayBuffer.isView(rows)).toBe(true);
  expect(fake.calls).toMatchObject([{ name: 'select_tokens', device }]);
});

const mixed: [what: string, call: () => Promise<unknown>, message: string][] = [
  [
    'tensors of two devices',
    () => ops.selectiveScan({ ...scan(), B: Tensor.zeros([5, 3]) }),
    'Expected a tensor on cuda:0, where u is, for B of ops.selectiveScan but received one on cpu; move one of them with to().',
  ],
  [
    'an input on the CPU and a weight on the GPU',
    () => ops.linear({ x: Tensor.zeros([5, 3]), weight: t([2, 3]) }),
    'Expected a tensor on cpu, where x is, for weight of ops.linear but received one on cuda:0; move one of them with to().',
  ],
  [
    'activations of two dtypes',
    () => ops.selectiveScan({ ...scan('bf16'), C: t([5, 3]) }),
    'Expected a tensor of dtype bf16, that of u, for C of ops.selectiveScan but received one of dtype f32; convert it with to().',
  ],
  [
    'an earlier sum of another dtype',
    () => ops.selectiveScan({ ...scan('bf16'), sumIn: t([5, 6]) }),
    'Expected a tensor of dtype bf16, that of u, for sumIn of ops.selectiveScan but received one of dtype f32; convert it with to().',
  ],
  [
    'a vector that is not float32',
    () => ops.selectiveScan({ ...scan('bf16'), A: t([6, 3], 'bf16') }),
    'Expected a tensor of dtype f32, as a GPU needs it, for A of ops.selectiveScan but received one of dtype bf16; convert it with to().',
  ],
  [
    'a residual stream that is not float32',
    () => ops.rmsNorm({ x: t([3, 8], 'f16'), weight: t([8]), residual: t([3, 8], 'f16') }),
    'Expected a tensor of dtype f32, as a GPU needs it, for residual of ops.rmsNorm but received one of dtype f16',
  ],
  [
    'a table to add that is not float32',
    () => ops.addRows({ x: t([3, 8], 'f16'), ids: t([3], 'i32'), table: t([4, 8], 'f16') }),
    'Expected a tensor of dtype f32, as a GPU needs it, for table of ops.addRows but received one of dtype f16',
  ],
  [
    'a second branch of a convolution that is not float32',
    () => {
      const x = t([3, 8], 'bf16');
      return ops.depthwiseConv2d({ x, weight: t([3, 3, 8]), grid: [1, 3], added: x });
    },
    'Expected a tensor of dtype f32, as a GPU needs it, for added of ops.depthwiseConv2d but received one of dtype bf16',
  ],
  [
    'an id beyond the table',
    () => ops.embedding({ ids: Tensor.from([0, 4], [2], { dtype: 'i32', device }), table: t([4, 8]) }),
    'Expected ids from 0 to 3 for ids of ops.embedding but received 4 at index 1.',
  ],
];

test.each(mixed)('refuses %s', async (_what, call, message) => {
  const error = await call().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(SkipscanError);
  expect(error).toMatchObject({ code: 'ERR_ARGUMENT', message: expect.stringContaining(message) });
  expect(fake.calls).toEqual([]);
});

describe('memory', () => {
  test('is given back with the tensors: nothing else is left of a call', async () => {
    const given = scan();
    const count = fake.live;
    const { y, state } = await ops.selectiveScan(given);
    expect(fake.live).toBe(count + 2);
    for (const tensor of [y, state, ...Object.values(given)]) tensor.dispose();
    expect(fake.live).toBe(0);
  });

  test('is given back when the call fails, with the cause it fails by', async () => {
    const given = scan();
    const count = fake.live;
    fake.outcome = async () => {
      throw Object.assign(new Error('Device cuda:0 is broken: illegal address.'), { code: 'ERR_DEVICE' });
    };
    const call = ops.selectiveScan(given);
    await expect(call).rejects.toBeInstanceOf(SkipscanError);
    await expect(call).rejects.toMatchObject({
      code: 'ERR_DEVICE',
      message: 'Device cuda:0 is broken: illegal address.',
    });
    expect(fake.live).toBe(count);
  });

  test('is given back when there is no room for all of the results', async () => {
    const given = scan();
    const count = fake.live;
    fake.free = 100;
    await expect(ops.selectiveScan(given)).rejects.toMatchObject({
      code: 'ERR_OUT_OF_MEMORY',
      message: expect.stringMatching(/^A tensor of shape \[5, 6\] does not fit into the memory of cuda:0/),
    });
    expect(fake.live).toBe(count);
  });

  test('stays while the call needs it, whenever its tensors are disposed', async () => {
    const given = { x: t([3, 8]), weight: t([8, 4]), bias: t([8]), state: t([1, 3, 8]) };
    fake.outcome = async () => {
      const { x, weight, bias, stateIn } = fake.calls.at(-1)!.params;
      expect([x, weight, bias, stateIn].map(isThere)).toEqual([true, true, true, true]);
      return 'cuda/fake';
    };
    const call = ops.causalConv(given);
    for (const tensor of Object.values(given)) tensor.dispose();
    const { y, state } = await call;
    expect(fake.calls).toHaveLength(1);
    expect(fake.live).toBe(2);
    y.dispose();
    state.dispose();
    expect(fake.live).toBe(0);
  });

  test('stays between the two operators of a scan with scores of the state', async () => {
    const given = scan();
    const there: boolean[] = [];
    fake.outcome = async () => {
      const { u, delta, A, B } = fake.calls.at(-1)!.params;
      there.push(...[u, delta, A, B].map(isThere));
      return 'cuda/fake';
    };
    const call = ops.selectiveScan({ ...given, importance: { metric: 'state' } });
    for (const tensor of Object.values(given)) tensor.dispose();
    await call;
    expect(fake.calls.map(({ name }) => name)).toEqual(['selective_scan', 'selective_state_importance']);
    expect(there).toEqual(new Array(8).fill(true));
  });
});
