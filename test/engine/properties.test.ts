// Properties of whole models that need no reference: docs/reduction.md, section 8, items 5 and 6. Shapes are chosen so that
// nothing is a multiple of a vector.
import type { LanguageModel } from '../../lib';
import { Random } from '../../lib/text/random';
import { loadModel } from '../helpers/load-model';
import { type ModelShape, randomModel, randomTokens } from '../helpers/random-model';
import { maxDifference } from '../helpers/read-tensors';
import { TemporaryDirectory } from '../helpers/temporary';
import { batchTolerance } from '../helpers/test-device';

const shapes: [why: string, shape: ModelShape][] = [
  ['mamba', { family: 'mamba', dModel: 20, layers: 3, vocab: 61, dState: 16 }],
  [
    'mamba, odd widths',
    { family: 'mamba', dModel: 19, layers: 2, vocab: 37, dState: 5, convWidth: 3, dtRank: 2 },
  ],
  ['mamba2', { family: 'mamba2', dModel: 16, layers: 3, vocab: 61, dState: 32, headDim: 8 }],
  [
    'mamba2, groups, odd state',
    { family: 'mamba2', dModel: 36, layers: 2, vocab: 50, dState: 13, headDim: 12, groups: 3 },
  ],
];
/** Logits of these models are of size 1 to 5, and float32 sums in another order differ by some 1e-6. */
const rounding = 1e-4;

describe.each(shapes)('%s', (_why, shape) => {
  const files = new TemporaryDirectory();
  const random = new Random(11);
  let model: LanguageModel;
  const prompt = (length: number) => randomTokens(random, length, shape.vocab);

  beforeAll(async () => {
    model = await loadModel(files.writeAll('model', randomModel(shape)), { threads: 2 });
  });
  afterAll(() => model.dispose());

  test('a packed batch gives each sequence what it gets alone', async () => {
    // 300 and 530 rows are more than one tile; 1 is less than the convolution is wide.
    const prompts = [7, 1, 300, 64, 2, 530, 33].map(prompt);
    const packed = await model.forward(prompts);
    for (const [s, tokens] of prompts.entries()) {
      const alone = await model.forward(tokens);
      const part = packed.logits.subarray(
        packed.offsets[s] * shape.vocab,
        packed.offsets[s + 1] * shape.vocab,
      );
      expect(maxDifference(part, alone.logits)).toBeLessThanOrEqual(batchTolerance);
    }
    const last = await model.forward(prompts, { logits: 'last' });
    for (const s of prompts.keys()) {
      const end = packed.offsets[s + 1] * shape.vocab;
      const row = last.logits.subarray(s * shape.vocab, (s + 1) * shape.vocab);
      const difference = maxDifference(row, packed.logits.subarray(end - shape.vocab, end));
      expect(difference).toBeLessThanOrEqual(batchTolerance);
    }
  });

  test('a prefill cut anywhere is one prefill', async () => {
    const tokens = prompt(90);
    await using whole = model.createSession();
    const wanted = await whole.prefill(tokens);
    for (const cuts of [[1], [2, 3], [45], [64], [89], [10, 20, 21, 70]]) {
      await using session = model.createSession();
      let logits: Float32Array = new Float32Array();
      for (const [i, start] of [0, ...cuts].entries())
        logits = await session.prefill(tokens.slice(start, cuts[i]));
      expect(maxDifference(logits, wanted)).toBeLessThan(rounding);
      expect(session.length).toBe(90);
      for (let layer = 0; layer < shape.layers; layer += 1) {
        expect(maxDifference(session.state(layer).conv, whole.state(layer).conv)).toBeLessThan(rounding);
        expect(maxDifference(session.state(layer).ssm, whole.state(layer).ssm)).toBeLessThan(rounding);
      }
    }
  });

  test('prefill then steps equals a longer prefill', async () => {
    for (const length of [1, 2, 3, 17, 65]) {
      const tokens = prompt(length + 5);
      const { logits } = await model.forward(tokens);
      await using session = model.createSession();
      await session.prefill(tokens.slice(0, length));
      for (let i = length; i < tokens.length; i += 1) {
        const step = await session.step(tokens[i]);
        expect(maxDifference(step, logits.subarray(i * shape.vocab, (i + 1) * shape.vocab))).toBeLessThan(
          rounding,
        );
      }
    }
  });

  test('the number of threads changes nothing', async () => {
    const tokens = prompt(150);
    await using single = await loadModel(`${files.path}/model`, { threads: 1 });
    await using many = await loadModel(`${files.path}/model`, { threads: 5 });
    const { logits } = await single.forward(tokens);
    expect(maxDifference((await model.forward(tokens)).logits, logits)).toBe(0);
    expect(maxDifference((await many.forward(tokens)).logits, logits)).toBe(0);
  });

  test.each(['bf16', 'f16'] as const)('%s weights stay near f32', async (dtype) => {
    const tokens = prompt(40);
    await using half = await loadModel(`${files.path}/model`, { dtype });
    const difference = maxDifference(
      (await half.forward(tokens)).logits,
      (await model.forward(tokens)).logits,
    );
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(dtype === 'bf16' ? 0.3 : 0.04);
  });
});
