// What model.profile() tells: counts are compared with counts by hand, times only with each other.
import { type LanguageModel, type OperatorProfile, prune, type VisionModel } from '../../lib';
import { Random } from '../../lib/text/random';
import { loadModel, loadTestVisionModel } from '../helpers/load-model';
import { randomModel, randomTokens } from '../helpers/random-model';
import { randomImages, randomVisionModel } from '../helpers/random-vision-model';
import { TemporaryDirectory } from '../helpers/temporary';
import { testDevice } from '../helpers/test-device';

const files = new TemporaryDirectory();
const random = new Random(5);

// Every product has a shape of its own, and as many outputs as fill the panels of any instruction set.
const [D, E, N, R, K, V, layers] = [32, 64, 16, 32, 4, 96, 3];
const mamba = { family: 'mamba', dModel: D, layers, vocab: V, dState: N, dtRank: R } as const;
const [heads, headDim] = [8, 8];
const mamba2 = { family: 'mamba2', dModel: D, layers, vocab: V, dState: N, headDim } as const;
const rows = 5;
const tokens = randomTokens(random, rows, V);

let model: LanguageModel;
beforeAll(async () => {
  model = await loadModel(files.writeAll('mamba', randomModel(mamba)), { threads: 2 });
});
afterAll(() => model.dispose());

/** The operators without their times, by name. */
function counts(operators: OperatorProfile[]) {
  return Object.fromEntries(operators.map(({ name, seconds: _seconds, ...rest }) => [name, rest]));
}

const calls = (operators: OperatorProfile[]) =>
  Object.fromEntries(operators.map(({ name, calls }) => [name, calls]));

test('calls, FLOPs, bytes and exponentials of a Mamba are those counted by hand', async () => {
  const { operators } = await model.profile(() => model.forward(tokens, { logits: 'last' }));
  const linear = (times: number, n: number, inputs: number, outputs: number) => ({
    calls: times,
    flops: times * 2 * n * inputs * outputs,
    bytes: times * 4 * (n * inputs + inputs * outputs + n * outputs),
    exponentials: 0,
  });
  const state = 4 * E * N;
  expect(counts(operators)).toEqual({
    embedding: { calls: 1, flops: 0, bytes: rows * (4 + 4 * D + 4 * D), exponentials: 0 },
    // The first has no residual stream to add to; the last is of the last row alone, which an index names.
    rms_norm: {
      calls: layers + 1,
      flops: rows * D * (4 + 2 * 5) + D * 5,
      bytes: 4 * (D * (rows * (3 + 2 * 4) + 3) + D * (layers + 1) + 1),
      exponentials: 0,
    },
    [`linear ${D}x${2 * E}`]: linear(layers, rows, D, 2 * E),
    [`linear ${E}x${R + 2 * N}`]: linear(layers, rows, E, R + 2 * N),
    [`linear ${R}x${E}`]: linear(layers, rows, R, E),
    [`linear ${E}x${D}`]: linear(layers, rows, E, D),
    [`linear ${D}x${V}`]: linear(1, 1, D, V),
    causal_conv: {
      calls: layers,
      flops: layers * rows * E * (2 * K + 3),
      bytes: layers * 4 * (2 * rows * E + K * E + E + 2 * K * E + 2 * rows + 2),
      exponentials: layers * rows * E,
    },
    // Of a state 6; of a channel: dt's bias and softplus, dt * u, D, and the gate.
    selective_scan: {
      calls: layers,
      flops: layers * rows * E * (6 * N + 3 + 1 + 2 + 4),
      bytes: layers * (4 * (4 * rows * E + 2 * rows * N + 2 * E + 3 * rows + 2) + 3 * state),
      exponentials: layers * rows * E * (N + 3),
    },
  });
});

test('and of a Mamba-2', async () => {
  await using two = await loadModel(files.writeAll('mamba2', randomModel(mamba2)));
  const { operators } = await two.profile(() => two.forward(tokens));
  expect(calls(operators)).toEqual({
    embedding: 1,
    rms_norm: layers + 1,
    [`linear ${D}x${2 * E + 2 * N + heads}`]: layers,
    causal_conv: layers,
    ssd_scan: layers,
    gated_rms_norm: layers,
    [`linear ${E}x${D}`]: layers,
    [`linear ${D}x${V}`]: 1,
  });
  expect(counts(operators)).toMatchObject({
    ssd_scan: {
      flops: layers * rows * (E * (4 * N + 1 + 2) + heads * 4),
      bytes: layers * 4 * (2 * rows * E + rows * heads + 2 * rows * N + 3 * heads + 2 * E * N + 3 * rows + 2),
      exponentials: layers * rows * heads * 3,
    },
    gated_rms_norm: {
      flops: layers * rows * E * 8,
      bytes: layers * 4 * (3 * rows * E + E),
      exponentials: layers * rows * E,
    },
    [`linear ${D}x${V}`]: { flops: 2 * rows * D * V },
  });
});

test('weights of bf16 are half as many bytes', async () => {
  await using small = await loadModel(files.writeAll('mamba', randomModel(mamba)), { dtype: 'bf16' });
  const { operators } = await small.profile(() => small.forward(tokens));
  const activation = testDevice() === 'cpu' ? 4 : 2;
  const name = `linear ${E}x${D}`;
  const bytes = layers * (2 * E * D + activation * rows * (E + D));
  expect(counts(operators)[name]).toMatchObject({ bytes, flops: layers * 2 * rows * E * D });
});

test('a vision model scans in each of its directions', async () => {
  const vim = { embed_dim: 16, depth: 2, img_size: 32, patch_size: 8, num_classes: 6, d_state: 4 };
  const folder = files.writeAll('vim', randomVisionModel({ ...vim, dt_rank: 2 }));
  const images: VisionModel = await loadTestVisionModel(folder);
  const pixels = randomImages(random, 2, 32, 32);
  const { operators, result } = await images.profile(() => images.forward(pixels, [2, 3, 32, 32]));
  expect(calls(operators)).toMatchObject({
    selective_scan: 4,
    causal_conv: 4,
    'linear 16x64': 2, // into both branches, of both images at once
    'linear 32x10': 4,
    'linear 2x32': 4,
    'linear 32x16': 2,
    'linear 16x6': 1,
  });
  expect(counts(operators)['linear 16x64'].flops).toBe(2 * 2 * (2 * 17) * 16 * 64);
  expect(result.logits).toEqual((await images.forward(pixels, [2, 3, 32, 32])).logits);
  await images.dispose();
});

test('what a reduction does is there too, with what is left after it', async () => {
  const prompt = randomTokens(random, 40, V);
  const reduction = prune({ layers: [0], keep: 0.5, importance: { metric: 'state' } });
  const { operators, result } = await model.profile(() =>
    model.forward(prompt, { reduction, logits: 'last' }),
  );
  expect(calls(operators)).toMatchObject({
    selective_state_importance: 1,
    select_tokens: 1,
    reduce_tokens: 1,
  });
  const left = result.kept[0].positions.length;
  expect(left).toBe(20);
  expect(counts(operators)[`linear ${E}x${D}`].flops).toBe(2 * (40 + 2 * left) * E * D);
});

test('times are above zero, from the longest on, and add up to no more than the whole', async () => {
  const { operators, seconds } = await model.profile(async () => {
    await using session = model.createSession();
    await session.prefill(tokens);
    for (const token of tokens) await session.step(token);
  });
  const times = operators.map(({ seconds }) => seconds);
  expect(calls(operators)).toMatchObject({ embedding: 1 + rows, selective_scan: layers * (1 + rows) });
  expect(Math.min(...times)).toBeGreaterThan(0);
  expect(times).toEqual([...times].sort((a, b) => b - a));
  expect(times.reduce((a, b) => a + b)).toBeLessThanOrEqual(seconds);
});

test('results are the same with and without; calls that nobody waits for are counted; what is not profiled is not', async () => {
  const plain = await model.forward(tokens);
  const { result, operators } = await model.profile(async () => {
    void model.forward(tokens);
    return model.forward(tokens);
  });
  expect(result.logits).toEqual(plain.logits);
  expect(calls(operators)).toMatchObject({ embedding: 2 });
  const unawaited = await model.profile(async () => {
    void model.forward(tokens);
  });
  expect(calls(unawaited.operators)).toMatchObject({ embedding: 1 });
  await model.forward(tokens);
  expect((await model.profile(async () => 'nothing')).operators).toEqual([]);
});

test('one profile at a time; one whose work fails ends with its error, and the next one works', async () => {
  const outer = model.profile(async () => {
    await expect(model.profile(async () => {})).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: 'This model is being profiled. Await that profile first.',
    });
    throw new Error('no');
  });
  await expect(outer).rejects.toThrow('no');
  const unready = model.profile(() => {
    throw new Error('not even a promise');
  });
  await expect(unready).rejects.toThrow('not even a promise');
  const { operators } = await model.profile(() => model.forward(tokens));
  expect(calls(operators)).toMatchObject({ embedding: 1 });
});

test('a model that was disposed is not profiled', async () => {
  const gone = await loadModel(files.writeAll('mamba', randomModel(mamba)));
  await gone.dispose();
  await expect(gone.profile(async () => {})).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
});
