// The models of memory that ship with the package: they have no tokenizer, and what transformers computes from the same
// files is the measure.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { LanguageModel } from '../../lib';
import { loadModel } from '../helpers/load-model';
import { maxDifference } from '../helpers/read-tensors';
import { fixture } from '../helpers/reference';

interface Golden {
  weightsSha256: string;
  samples: { context: number[]; continuation: number[]; logProbabilities: number[] }[];
}

describe.each(['tiny-recall', 'tiny-copying'])('%s', (name) => {
  const folder = path.resolve(__dirname, '../../models', name);
  const golden: Golden = JSON.parse(readFileSync(fixture(`${name}-golden.json`), 'utf8'));

  let model: LanguageModel;
  beforeAll(async () => {
    model = await loadModel(folder);
  });
  afterAll(() => model.dispose());

  test('the golden is of these weights', () => {
    const weights = readFileSync(path.join(folder, 'model.safetensors'));
    expect(createHash('sha256').update(weights).digest('hex')).toBe(golden.weightsSha256);
  });

  test('it takes at most 1 MB', () => {
    const bytes = readdirSync(folder).reduce((n, file) => n + statSync(path.join(folder, file)).size, 0);
    expect(bytes).toBeLessThanOrEqual(1e6);
  });

  test('it has no tokenizer', () => expect(model.tokenizer).toBeUndefined());

  test('log-probabilities', async () => {
    for (const { context, continuation, logProbabilities } of golden.samples) {
      const { logprobs } = await model.score(context, continuation);
      expect(maxDifference(logprobs, logProbabilities)).toBeLessThan(1e-3);
    }
  });

  test('it remembers', async () => {
    const answers = golden.samples.flatMap((sample) => sample.continuation);
    const found: number[] = [];
    for (const { context, continuation } of golden.samples) {
      const options = { maxNewTokens: continuation.length };
      for await (const { token } of model.generate(context, options)) found.push(token);
    }
    const right = found.filter((token, i) => token === answers[i]).length;
    expect(right / answers.length).toBeGreaterThan(0.9);
  });
});
