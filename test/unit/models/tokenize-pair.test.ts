// Pairs of texts as lm-evaluation-harness cuts them into tokens (test/fixtures/tasks/golden.json), with a tokenizer whose merges cross
// spaces and which begins every text with a token of its own.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { tokenizePair } from '../../../lib/models/tokenize-pair';
import { Tokenizer } from '../../../lib/text';

const fixtures = path.resolve(__dirname, '../../fixtures/tasks');
const golden: { texts: [string, string]; context: number[]; continuation: number[] }[] = JSON.parse(
  readFileSync(path.join(fixtures, 'golden.json'), 'utf8'),
).tokens;
const bpe = (name: string) => path.join(fixtures, 'bpe', name);
let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await Tokenizer.load(bpe('tokenizer.json'), bpe('tokenizer_config.json'));
});
const tokens = (context: string, continuation: string) => {
  const pair = tokenizePair(tokenizer, context, continuation);
  return { context: [...pair.context], continuation: [...pair.continuation] };
};

test('every pair of the fixtures', () => {
  expect(golden.length).toBeGreaterThan(50);
  for (const { texts, ...expected } of golden) expect(tokens(...texts)).toEqual(expected);
  // What makes them worth comparing: borders that a token crosses, spaces before them, no context.
  const crossing = golden.filter(({ texts, context, continuation }) => {
    const whole = [...tokenizer.encode(texts.join(''))];
    return String([...context, ...continuation]) !== String(whole);
  });
  expect(crossing.length).toBeGreaterThan(2);
  expect(golden.some(({ texts: [context] }) => / $/.test(context))).toBe(true);
  expect(golden.some(({ texts: [context] }) => context === '')).toBe(true);
});

test('a text that begins with the token written out gets no second one', () => {
  const [bos] = tokenizer.encode('');
  expect(tokens('<bos>The lamp', ' burns').context).toEqual(tokens('The lamp', ' burns').context);
  expect(tokens('', '<bos>The').context).toEqual([bos]);
  expect(tokens('', '<bos>The').continuation).toEqual(tokens('', 'The').continuation);
});

test('without a token that begins or ends a text there must be a context', async () => {
  const bare = await Tokenizer.load(bpe('tokenizer.json'));
  expect(() => tokenizePair(bare, '', 'The')).toThrow(
    'Expected text, as the tokenizer names no token that begins or ends a text, for context but received an empty string.',
  );
  expect([...tokenizePair(bare, 'The', ' lamp').context]).toEqual(tokens('The', ' lamp').context);
});
