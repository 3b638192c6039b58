import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { GeneratedToken, GenerateOptions, LanguageModel } from '../../lib';
import { loadModel } from '../helpers/load-model';
import { fixture } from '../helpers/reference';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const source = fixture('lm/mamba1-hf-sharded');
let model: LanguageModel;
beforeAll(async () => {
  model = await loadModel(source);
});
afterAll(() => model.dispose());

async function collect(options: GenerateOptions = {}): Promise<GeneratedToken[]> {
  const pieces: GeneratedToken[] = [];
  for await (const piece of model.generate('The token is', { maxNewTokens: 30, ...options }))
    pieces.push(piece);
  return pieces;
}
const textOf = (pieces: GeneratedToken[]) => pieces.map(({ text }) => text).join('');
const tokensOf = (pieces: GeneratedToken[]) => pieces.map(({ token }) => token);

test('the pieces of text together are the text of all tokens', async () => {
  for (const options of [{}, { temperature: 1, seed: 1 }, { temperature: 3, seed: 2 }]) {
    const pieces = await collect({ ...options, ignoreEos: true });
    expect(pieces).toHaveLength(30);
    expect(textOf(pieces)).toBe(model.tokenizer?.decode(tokensOf(pieces), { skipSpecialTokens: true }));
  }
});

test('without a temperature every token is the most likely one; logprob is what score() finds', async () => {
  const pieces = await collect();
  const { logprobs, greedy, total } = await model.score(
    model.tokenizer!.encode('The token is'),
    tokensOf(pieces),
  );
  expect(greedy).toBe(true);
  for (const [i, { logprob }] of pieces.entries()) expect(logprob).toBeCloseTo(logprobs[i], 4);
  expect(total).toBeCloseTo(
    logprobs.reduce((a, b) => a + b, 0),
    4,
  );
});

test('a seed repeats a generation, another seed does not', async () => {
  const first = tokensOf(await collect({ temperature: 1, seed: 7 }));
  expect(tokensOf(await collect({ temperature: 1, seed: 7 }))).toEqual(first);
  expect(tokensOf(await collect({ temperature: 1, seed: 8 }))).not.toEqual(first);
});

test('topK 1 and a tiny topP are greedy', async () => {
  const wanted = tokensOf(await collect());
  expect(tokensOf(await collect({ temperature: 1, topK: 1 }))).toEqual(wanted);
  expect(tokensOf(await collect({ temperature: 1, topP: 1e-6 }))).toEqual(wanted);
});

test('a stop string ends the text before it, wherever tokens cut it', async () => {
  const whole = textOf(await collect());
  for (const [from, to] of [
    [1, 3],
    [4, 9],
    [0, 1],
    [whole.length - 4, whole.length],
  ]) {
    const stop = whole.slice(from, to);
    expect(textOf(await collect({ stop: ['never in there', stop] }))).toBe(
      whole.slice(0, whole.indexOf(stop)),
    );
  }
});

test('it ends at a token that ends a text, unless told to go on', async () => {
  const whole = tokensOf(await collect());
  const end = whole[4];
  const folder = files.writeAll('ending', {
    ...Object.fromEntries(readdirSync(source).map((name) => [name, readFileSync(path.join(source, name))])),
    'generation_config.json': JSON.stringify({ eos_token_id: [end, 1] }),
  });
  await using ending = await loadModel(folder);
  const tokens: number[] = [];
  for await (const { token } of ending.generate('The token is', { maxNewTokens: 30 })) tokens.push(token);
  // The end itself comes only as the carrier of text that was held back until it.
  expect(tokens.filter((token) => token !== end)).toEqual(whole.slice(0, whole.indexOf(end)));
  tokens.length = 0;
  for await (const { token } of ending.generate('The token is', { maxNewTokens: 30, ignoreEos: true }))
    tokens.push(token);
  expect(tokens).toEqual(whole);
});

test('leaving the loop gives the session back', async () => {
  const before = model.memory().sessions;
  for await (const { token } of model.generate([1, 2, 3], { ignoreEos: true })) {
    expect(token).toBeGreaterThanOrEqual(0);
    break;
  }
  expect(model.memory().sessions).toBe(before);
});

test('no tokens asked for, none given', async () => {
  expect(await collect({ maxNewTokens: 0 })).toEqual([]);
});

test('a tokenizer’s text scores like its tokens; spaces between go with the continuation', async () => {
  const encode = (text: string) => model.tokenizer!.encode(text);
  const whole = encode('The token is the same');
  const context = encode('The token is');
  const byTokens = await model.score(context, whole.subarray(context.length));
  expect((await model.score('The token is', ' the same')).total).toBe(byTokens.total);
  expect((await model.score('The token is ', 'the same')).total).toBe(byTokens.total);
});
