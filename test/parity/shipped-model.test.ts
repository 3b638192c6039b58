// The models of text that ship with the package, against what transformers computes from the same files.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { LanguageModel } from '../../lib';
import { loadModel } from '../helpers/load-model';
import { maxDifference } from '../helpers/read-tensors';
import { fixture } from '../helpers/reference';

describe.each(['tiny-mamba2', 'tiny-mamba'])('%s', (name) => {
  const folder = path.resolve(__dirname, '../../models', name);
  const golden = JSON.parse(readFileSync(fixture(`${name}-golden.json`), 'utf8'));

  let model: LanguageModel;
  beforeAll(async () => {
    model = await loadModel(folder);
  });
  afterAll(() => model.dispose());

  test('the golden is of these weights', () => {
    const weights = readFileSync(path.join(folder, 'model.safetensors'));
    expect(createHash('sha256').update(weights).digest('hex')).toBe(golden.weightsSha256);
  });

  test('it takes at most 4 MB', () => {
    const bytes = readdirSync(folder).reduce((n, name) => n + statSync(path.join(folder, name)).size, 0);
    expect(bytes).toBeLessThanOrEqual(4e6);
  });

  test('its tokenizer', () => {
    const { prompt, promptIds, tokens, text } = golden.greedy;
    expect([...model.tokenizer!.encode(prompt)]).toEqual(promptIds);
    expect(model.tokenizer!.decode(tokens)).toBe(text);
  });

  test('greedy generation', async () => {
    const tokens: number[] = [];
    let text = '';
    for await (const piece of model.generate(golden.greedy.prompt, {
      maxNewTokens: golden.greedy.tokens.length,
    })) {
      tokens.push(piece.token);
      text += piece.text;
    }
    expect(tokens).toEqual(golden.greedy.tokens);
    expect(text).toBe(golden.greedy.text);
  });

  test('log-probabilities', async () => {
    const { context, continuation, logProbabilities } = golden.score;
    const { logprobs } = await model.score(context, continuation);
    expect(maxDifference(logprobs, logProbabilities)).toBeLessThan(1e-3);
  });
});
