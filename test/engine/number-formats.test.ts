// Weights of 8 bits, and activations that products round to bf16: what that comes to in whole models.
import path from 'node:path';
import type { LanguageModel } from '../../lib';
import { narrow, widen } from '../../lib/half';
import { Random } from '../../lib/text/random';
import { loadModel, loadTestVisionModel } from '../helpers/load-model';
import { type ModelShape, randomModel, randomTokens } from '../helpers/random-model';
import { maxDifference, readTensors } from '../helpers/read-tensors';
import { f32, safetensorsFile } from '../helpers/safetensors-file';
import { TemporaryDirectory } from '../helpers/temporary';
import { testDevice } from '../helpers/test-device';

const onCpu = testDevice() === 'cpu' ? describe : describe.skip;
const shapes: [string, ModelShape][] = [
  ['mamba', { family: 'mamba', dModel: 100, layers: 3, vocab: 90, dState: 16, dtRank: 7 }],
  ['mamba2', { family: 'mamba2', dModel: 96, layers: 3, vocab: 90, dState: 32, headDim: 16 }],
];

/** What 8 bits hold of a matrix: each 64 columns of a row in 127ths of the largest. */
function roundToBytes(values: Float32Array, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < values.length; row += columns) {
    for (let column = 0; column < columns; column += 64) {
      const block = values.subarray(row + column, row + Math.min(column + 64, columns));
      const largest = block.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const [scale, inverse] = [Math.fround(largest / 127), Math.fround(127 / largest)];
      out.set(
        block.map((value) => scale * roundToEven(Math.fround(value * inverse))),
        row + column,
      );
    }
  }
  return out;
}

function roundToEven(x: number): number {
  const whole = Math.round(x);
  return Math.abs(x - Math.trunc(x)) === 0.5 && whole % 2 !== 0 ? whole - 1 : whole;
}

onCpu.each(shapes)('%s', (_name, shape) => {
  const files = new TemporaryDirectory();
  const random = new Random(5);
  const tokens = randomTokens(random, 90, shape.vocab);
  let exact: LanguageModel;
  let folder: string;

  beforeAll(async () => {
    folder = files.writeAll('model', randomModel(shape));
    exact = await loadModel(folder);
  });
  afterAll(() => exact.dispose());

  const logitsOf = async (model: LanguageModel) => (await model.forward(tokens)).logits;

  test('8-bit weights compute what the weights that they stand for compute', async () => {
    const tensors = await readTensors(`${folder}/model.safetensors`);
    const rounded = Object.fromEntries(
      [...tensors].map(([name, { shape, data }]) => {
        if (/embeddings|in_proj|out_proj/.test(name))
          return [name, f32(shape, [...roundToBytes(data, shape[1])])];
        // What decides dt is held in bf16.
        const inBf16 = /x_proj|dt_proj.weight/.test(name);
        return [name, f32(shape, [...(inBf16 ? widen(narrow(data, 'bf16'), 'bf16') : data)])];
      }),
    );
    const config = randomModel(shape)['config.json'];
    const file = safetensorsFile(rounded);
    await using stood = await loadModel(
      files.writeAll('rounded', { 'config.json': config, 'model.safetensors': file }),
    );
    await using bytes = await loadModel(folder, { dtype: 'i8' });
    expect(bytes.dtype).toBe('i8');
    const [a, b, dense] = [await logitsOf(bytes), await logitsOf(stood), await logitsOf(exact)];
    // What is left is the inputs' rounding to 16 bits.
    expect(maxDifference(a, b)).toBeLessThan(0.005);
    expect(maxDifference(a, dense)).toBeGreaterThan(20 * maxDifference(a, b));
    expect(maxDifference(a, dense)).toBeLessThan(1); // of logits from 1 to 5
  });

  test('a packed batch, pieces and steps give what one prefill alone gives', async () => {
    for (const options of [{ dtype: 'i8' }, { dtype: 'bf16', activations: 'bf16' }] as const) {
      await using model = await loadModel(folder, { ...options, threads: 2 });
      const logits = await logitsOf(model);
      const packed = await model.forward([tokens.slice(0, 7), tokens, tokens.slice(0, 1)]);
      const part = packed.logits.subarray(7 * shape.vocab, 97 * shape.vocab);
      expect(maxDifference(part, logits)).toBe(0);
      await using session = model.createSession();
      await session.prefill(tokens.slice(0, 50));
      let last = await session.prefill(tokens.slice(50, 87));
      for (const token of tokens.slice(87)) last = await session.step(token);
      expect(maxDifference(last, logits.subarray(89 * shape.vocab))).toBeLessThan(1e-3);
    }
  });

  test('8-bit weights take half of what bf16 takes, and their scales', async () => {
    await using half = await loadModel(folder, { dtype: 'bf16' });
    await using bytes = await loadModel(folder, { dtype: 'i8' });
    const [two, one] = [half.memory().weights, bytes.memory().weights];
    expect(one).toBeLessThan(0.8 * two);
  });

  test('activations of bf16 change logits where products round, and nothing elsewhere', async () => {
    await using half = await loadModel(folder, { dtype: 'bf16' });
    await using rounding = await loadModel(folder, { dtype: 'bf16', activations: 'bf16' });
    expect([half.activations, rounding.activations]).toEqual(['f32', 'bf16']);
    const difference = maxDifference(await logitsOf(half), await logitsOf(rounding));
    if (rounding.backend === 'amx') expect(difference).toBeGreaterThan(1e-4);
    else expect(difference).toBe(0);
    expect(difference).toBeLessThan(0.3);
  });

  test.each<[object, string, string]>([
    [{ activations: 'f16' }, 'ERR_ARGUMENT', `Expected 'f32' or 'bf16' for activations but received "f16".`],
    [{ activations: 'bf16' }, 'ERR_ARGUMENT', "Received activations 'bf16' with f32 weights"],
    [{ activations: 'bf16', dtype: 'i8' }, 'ERR_ARGUMENT', "Received activations 'bf16' with i8 weights"],
    [{ dtype: 'i4' }, 'ERR_ARGUMENT', `Expected 'f32', 'bf16', 'f16' or 'i8' for dtype but received "i4".`],
  ])('%j is refused', async (options, code, message) => {
    const loading = loadModel(folder, options);
    await expect(loading).rejects.toMatchObject({ name: 'SkipscanError', code });
    await expect(loading).rejects.toThrow(message);
  });
});

onCpu('a ViM', () => {
  test.each([{ dtype: 'i8' }, { dtype: 'bf16', activations: 'bf16' }] as const)(
    'classifies the same with %j',
    async (options) => {
      const folder = path.resolve(__dirname, '../../models/tiny-vim');
      await using model = await loadTestVisionModel(folder, options);
      await using exact = await loadTestVisionModel(folder);
      const image = `${folder}/samples/heart.jpg`;
      const [[best]] = await model.classify(image);
      const [[wanted]] = await exact.classify(image);
      expect(best.label).toBe(wanted.label);
      expect(Math.abs(best.probability - wanted.probability)).toBeLessThan(0.05);
    },
  );
});
