// A GPU beside the CPU: the same programs with another `device`, and what happens when a GPU is missing, full or broken. Needs
// SKIPSCAN_TEST_DEVICE; what only the emulated GPU can do on demand runs with its addon alone.
import {
  cudaStatus,
  type Device,
  listDevices,
  loadLanguageModel,
  ops,
  prune,
  ScanPath,
  Tensor,
  utrc,
} from '../../lib';
import { Random } from '../../lib/text/random';
import { inChild } from '../helpers/child';
import { expectClose } from '../helpers/close';
import { Draw } from '../helpers/random';
import { type ModelShape, randomModel, randomTokens } from '../helpers/random-model';
import { TemporaryDirectory } from '../helpers/temporary';
import { testDevice } from '../helpers/test-device';

const gpu = testDevice();
const { name = '' } = listDevices().find(({ id }) => id === gpu && id !== 'cpu') ?? {};
const onGpu = gpu === 'cpu' ? describe.skip : describe;
const onEmulatedGpu = name.startsWith('Emulated') ? describe : describe.skip;

const files = new TemporaryDirectory();
const shapes: Record<string, ModelShape> = {
  mamba: { family: 'mamba', dModel: 24, layers: 3, vocab: 61, dState: 8 },
  mamba2: { family: 'mamba2', dModel: 24, layers: 3, vocab: 61, dState: 16, headDim: 12, groups: 2 },
};
const folders = Object.fromEntries(
  Object.entries(shapes).map(([family, shape]) => [family, files.writeAll(family, randomModel(shape))]),
);

test('a device is there or there is a reason', () => {
  const { available, reason } = cudaStatus();
  expect(available).toBe(listDevices().length > 1);
  expect(reason === undefined).toBe(available);
});

onGpu('the same program on both devices', () => {
  const random = new Random(9);
  const prompts = [70, 1, 33].map((length) => randomTokens(random, length, 61));

  async function readAndWrite(folder: string, device: Device) {
    await using model = await loadLanguageModel(folder, { device, dtype: 'f32' });
    expect(model.device).toBe(device);
    expect(model.backend === 'cuda').toBe(device !== 'cpu');
    const { logits } = await model.forward(prompts);
    const reductions = [
      utrc({ layers: [0, 1], keep: 0.7 }),
      prune({ layers: [1], keep: 0.6, importance: { metric: 'state' }, conv: 'aligned' }),
    ];
    const reduced = [];
    for (const reduction of reductions) reduced.push(await model.forward(prompts, { reduction }));
    const tokens: number[] = [];
    for await (const { token } of model.generate(prompts[0], { maxNewTokens: 20, ignoreEos: true })) {
      tokens.push(token);
    }
    const { logprobs } = await model.score(prompts[0], prompts[2], { reduction: reductions[0] });
    await using session = model.createSession({ reduction: reductions[0] });
    await session.prefill(prompts[0]);
    await using restored = model.restoreSession(await session.save());
    const step = await session.step(5);
    expect(await restored.step(5)).toEqual(step);
    expect(model.memory().weights).toBeGreaterThan(4 * model.parameterCount * 0.9);
    expect(model.memory().sessions).toBeGreaterThan(0);
    return { logits, reduced, tokens, logprobs, step, state: session.state(2) };
  }

  test.each(Object.keys(shapes))('%s', async (family) => {
    const cpu = await readAndWrite(folders[family], 'cpu');
    const there = await readAndWrite(folders[family], gpu);
    expectClose('logits', there.logits, cpu.logits, 1e-4);
    expect(there.tokens).toEqual(cpu.tokens);
    for (const [i, { kept, logits }] of there.reduced.entries()) {
      expect(kept).toEqual(cpu.reduced[i].kept);
      expectClose('reduced logits', logits, cpu.reduced[i].logits, 1e-4);
    }
    expectClose('logprobs', there.logprobs, cpu.logprobs, 1e-4);
    expectClose('step', there.step, cpu.step, 1e-4);
    expectClose('conv', there.state.conv, cpu.state.conv, 1e-4);
    expectClose('ssm', there.state.ssm, cpu.state.ssm, 1e-4);
  });

  async function reduceAndScan(device: Device) {
    const draw = new Draw(4);
    const [T, D, N] = [40, 12, 4];
    const floats = (shape: number[], low = -1, high = 1) => {
      const size = shape.reduce((a, b) => a * b);
      return Tensor.from(draw.floats(size, low, high), shape, { device });
    };
    const { y: hidden, residual } = await ops.rmsNorm({
      x: floats([T, D]),
      residual: floats([T, D]),
      weight: floats([D]),
    });
    const { scores } = await ops.tokenImportance({ y: hidden, metric: 'l2' });
    const policy = { name: 'utrc', keep: 0.6 } as const;
    const selection = await ops.selectTokens({ policy, scores, features: hidden });
    const reduced = await ops.reduceTokens({ hidden, residual, selection });
    const path = ScanPath.full(T).subset(selection.kept);
    const { y, state } = await ops.selectiveScan({
      u: hidden,
      delta: residual,
      A: floats([D, N], -4, -0.1),
      B: floats([T, N]),
      C: floats([T, N]),
      path,
    });
    const conv = await ops.causalConv({ x: y, weight: floats([D, 4]), bias: floats([D]), path });
    const { best } = await ops.tokenLogprobs({
      logits: (await ops.linear({ x: conv.y, weight: floats([9, D]) })).y,
    });
    const { y: onGrid } = await ops.depthwiseConv2d({
      x: reduced.hidden,
      weight: floats([3, 3, D]),
      grid: [1, T],
      positions: selection.kept,
      activation: 'gelu',
    });
    const { y: patches } = await ops.imagePatches({
      x: floats([2, 3, 9, 6]),
      kernel: 4,
      stride: 2,
      padding: 1,
    });
    const results = { ...reduced, y, state, window: conv.state, scores, onGrid, patches };
    const copies = Object.entries(results).map(async ([name, tensor]) => {
      expect(tensor.device).toBe(device);
      return [name, (await tensor.to('cpu')).toFloat32()] as const;
    });
    return { selection, best: (await best.to('cpu')).data(), floats: await Promise.all(copies) };
  }

  test('operators', async () => {
    const cpu = await reduceAndScan('cpu');
    const there = await reduceAndScan(gpu);
    expect(there.selection).toEqual(cpu.selection);
    expect(there.best).toEqual(cpu.best);
    for (const [i, [what, values]] of there.floats.entries()) {
      expectClose(what, values, cpu.floats[i][1], 1e-5);
    }
  });

  test('tensors of both devices do not mix', async () => {
    const call = ops.linear({ x: Tensor.zeros([2, 3], { device: gpu }), weight: Tensor.zeros([4, 3]) });
    await expect(call).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining(`Expected a tensor on ${gpu}, where x is, for weight of ops.linear`),
    });
  });

  test.each(['bf16', 'f16'] as const)('activations of %s', async (dtype) => {
    await using half = await loadLanguageModel(folders.mamba2, { device: gpu, dtype });
    await using full = await loadLanguageModel(folders.mamba2, { device: 'cpu' });
    expect(half.dtype).toBe(dtype);
    const { logits } = await half.forward(prompts[0]);
    expectClose('logits', logits, (await full.forward(prompts[0])).logits, dtype === 'bf16' ? 0.1 : 0.02);
  });
});

onGpu('what comes again is recorded', () => {
  // The first pass of a shape runs as it is, the second is recorded, later ones are played back.
  const program = (folder: string) =>
    `const model = await skipscan.loadLanguageModel(${JSON.stringify(folder)}, { device: '${gpu}' });
     const results = [];
     for (const reduction of [undefined, skipscan.utrc({ layers: [0, 1], keep: 0.7 })]) {
       for (let round = 0; round < 4; round++) {
         const session = model.createSession({ reduction });
         const prompt = Array.from({ length: 40 }, (_, i) => (7 * i + round) % 61);
         const first = await session.prefill(prompt);
         const kept = session.kept.map(({ positions }) => [...positions]);
         const steps = [];
         for (const token of [3, 4, 5, 6]) steps.push([...(await session.step(token))]);
         results.push({ first: [...first], kept, steps });
         await session.dispose();
       }
     }
     return results;`;

  test.each(Object.keys(shapes))('%s: with the bits of what runs by itself', (family) => {
    const run = (graphs: string) =>
      inChild<{ first: number[] }[]>({ SKIPSCAN_CUDA_GRAPHS: graphs }, program(folders[family]));
    const recorded = run('on');
    expect(recorded).toEqual(run('off'));
    const firsts = recorded.slice(0, 4).map(({ first }) => String(first));
    expect(new Set(firsts).size).toBe(4); // a recording takes the tokens of its call, not those it was made with
  });
});

onGpu('memory', () => {
  test('a model gives back what it took, sessions included', async () => {
    const model = await loadLanguageModel(folders.mamba, { device: gpu });
    const session = model.createSession();
    await session.prefill([1, 2, 3]);
    expect(model.memory().sessions).toBeGreaterThan(0);
    await session.dispose();
    expect(model.memory().sessions).toBe(0);
    await model.dispose();
    await expect(model.forward([1])).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });

  test('operators may run while their tensors are disposed', async () => {
    const calls = Array.from({ length: 8 }, (_, i) => {
      const x = Tensor.from(new Float32Array(6).fill(i), [2, 3], { device: gpu });
      const weight = Tensor.from(new Float32Array(3).fill(1), [1, 3], { device: gpu });
      const call = ops.linear({ x, weight });
      x.dispose();
      weight.dispose();
      return call;
    });
    for (const [i, { y }] of (await Promise.all(calls)).entries()) {
      expect([...(await y.to('cpu')).data()]).toEqual([3 * i, 3 * i]);
    }
  });
});

onEmulatedGpu('what a GPU may do', () => {
  const folder = JSON.stringify(folders.mamba);

  test('be full: the call says so, and the model goes on', () => {
    const { first, full, fullSession, again } = inChild<Record<string, { code?: string; message: string }>>(
      { SIMT_MEMORY: `${24 << 20}` },
      `const model = await skipscan.loadLanguageModel(${folder}, { device: 'cuda:0' });
       const last = async (tokens) => (await model.forward(tokens, { logits: 'last' })).logits;
       const first = await last([1, 2, 3]);
       const long = new Int32Array(1_000_000);
       const full = await failure(last(long));
       const session = model.createSession();
       const fullSession = await failure(session.prefill(long));
       await session.prefill([1, 2]);
       return { first, full, fullSession, again: await last([1, 2, 3]) };`,
    );
    const outOfMemory = { code: 'ERR_OUT_OF_MEMORY', message: expect.stringContaining('cuda:0') };
    expect(full).toMatchObject(outOfMemory);
    expect(fullSession).toMatchObject(outOfMemory);
    expect(again).toEqual(first);
  });

  test('be full when a model is loaded, and have room again when others are gone', () => {
    const { error, loaded } = inChild<{ error: unknown; loaded: number }>(
      { SIMT_MEMORY: `${1 << 19}` },
      `const load = () => skipscan.loadLanguageModel(${folder}, { device: 'cuda:0' });
       const models = [];
       let error;
       while (!error) error = await failure(load().then((model) => models.push(model)));
       const loaded = models.length;
       for (const model of models) await model.dispose();
       for (let i = 0; i < loaded; i++) models[i] = await load();
       return { error, loaded };`,
    );
    expect(error).toMatchObject({ code: 'ERR_OUT_OF_MEMORY' });
    expect(loaded).toBeGreaterThan(0);
  });

  test('become full in the middle of a prefill: what was queued before is not of the next one', () => {
    const { error, after, expected } = inChild<{ error: object; after: number[]; expected: number[] }>(
      { SIMT_MEMORY: `${96 << 20}` },
      `const model = await skipscan.loadLanguageModel(${folder}, { device: 'cuda:0', dtype: 'f32' });
       const tokens = (count) => Int32Array.from({ length: count }, (_, i) => (i * i) % 61);
       const reducing = (keep) => skipscan.prune({ layers: [1], keep });
       const [control, session] = [model.createSession({ reduction: reducing(0.5) }), model.createSession()];
       // Makes the workspace of such a pass. It removes nothing, so that the memory of a selection is not there yet.
       const warm = model.createSession({ reduction: reducing(1) });
       await warm.prefill(tokens(20000));
       const filling = [];
       for (let size = 1 << 22; size >= 1 << 8; size /= 2) {
         while (!(await failure((async () => filling.push(skipscan.Tensor.zeros([size], { device: 'cuda:0' })))())));
       }
       const error = await failure(control.prefill(tokens(20000)));
       for (const tensor of filling) tensor.dispose();
       await session.prefill(tokens(9));
       const after = [...(await session.step(3))];
       const other = await skipscan.loadLanguageModel(${folder}, { device: 'cuda:0', dtype: 'f32' });
       const fresh = other.createSession();
       await fresh.prefill(tokens(9));
       return { error, after, expected: [...(await fresh.step(3))] };`,
    );
    expect(error).toMatchObject({ code: 'ERR_OUT_OF_MEMORY' });
    expect(after).toEqual(expected);
  });

  test('break: everything there refuses with the cause, and the CPU works', () => {
    const { error, later, cpu } = inChild<{ error: object; later: object[]; cpu: number }>(
      { SIMT_FAIL: 'launch:3' },
      `const model = await skipscan.loadLanguageModel(${folder}, { device: 'cuda:0' });
       const error = await failure(model.forward([1, 2, 3]));
       const later = [
         await failure(model.forward([1])),
         await failure((async () => model.createSession().step(1))()),
       ];
       const other = await skipscan.loadLanguageModel(${folder}, { device: 'cpu' });
       return { error, later, cpu: (await other.forward([1, 2])).logits.length };`,
    );
    expect(error).toMatchObject({
      code: 'ERR_DEVICE',
      message: expect.stringMatching(/^Device cuda:0 failed: .* is lost; start the process anew/),
    });
    for (const refusal of later) expect(refusal).toEqual(error);
    expect(cpu).toBe(2 * 61);
  });

  test('have company', () => {
    const { ids, device, mixed, moved, missing } = inChild<Record<string, unknown>>(
      { SIMT_DEVICES: '2' },
      `const ids = skipscan.listDevices().map(({ id }) => id);
       const model = await skipscan.loadLanguageModel(${folder}, { device: 'cuda:1' });
       await model.forward([1, 2, 3]);
       const on = (device) => skipscan.Tensor.from([1, 2, 3], [1, 3], { device });
       const mixed = await failure(skipscan.ops.linear({ x: on('cuda:0'), weight: on('cuda:1') }));
       const { y } = await skipscan.ops.linear({ x: on('cuda:1'), weight: on('cuda:1') });
       const moved = [...(await (await y.to('cuda:0')).to('cpu')).data()];
       const missing = await failure(skipscan.loadLanguageModel(${folder}, { device: 'cuda:2' }));
       return { ids, device: model.device, mixed, moved, missing };`,
    );
    expect(ids).toEqual(['cpu', 'cuda:0', 'cuda:1']);
    expect(device).toBe('cuda:1');
    expect(mixed).toMatchObject({ message: expect.stringContaining('a tensor on cuda:0, where x is,') });
    expect(moved).toEqual([14]);
    expect(missing).toEqual({
      code: 'ERR_DEVICE',
      message:
        "Device cuda:2 is not available: this machine has 2 CUDA devices. Use one from 'cuda:0' to 'cuda:1', or 'cpu'.",
    });
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['no driver', { SIMT_DRIVER: 'none' }, /^no NVIDIA driver was found\.$/],
    ['no GPU', { SIMT_DEVICES: '0' }, /^the NVIDIA driver found no GPU\.$/],
    ['a GPU that is too old', { SIMT_CAPABILITY: '70' }, /compute capability 7\.0 .* 7\.5/],
  ])('not be there, as with %s: the CPU works, and the reason is known', (_what, settings, reason) => {
    const result = inChild<{ status: object; ids: string[]; device: string; error: object }>(
      settings,
      `const model = await skipscan.loadLanguageModel(${folder});
       await model.forward([1, 2, 3]);
       return {
         status: skipscan.cudaStatus(),
         ids: skipscan.listDevices().map(({ id }) => id),
         device: model.device,
         error: await failure(skipscan.loadLanguageModel(${folder}, { device: 'cuda:0' })),
       };`,
    );
    expect(result.status).toMatchObject({ available: false, reason: expect.stringMatching(reason) });
    expect([result.ids, result.device]).toEqual([['cpu'], 'cpu']);
    expect(result.error).toMatchObject({
      code: 'ERR_DEVICE',
      message: expect.stringMatching(/^Device cuda:0 is not available: .* Use 'cpu'\.$/),
    });
  });
});
