import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '../../../lib/text';
import { reference } from '../../helpers/reference';
import { TemporaryDirectory } from '../../helpers/temporary';
import {
  byteLevelConfigFile,
  type GoldenText,
  goldenTexts,
  integers,
  kinds,
  loadTokenizer,
  readGolden,
  tokenizerFile,
} from './fixtures';

const scratch = new TemporaryDirectory();

/** Parsed JSON that a test changes at will. */
type Json = ReturnType<typeof JSON.parse>;

function expectGolden(tokenizer: Tokenizer, golden: GoldenText): void {
  expect([...tokenizer.encode(golden.text)]).toEqual(golden.ids);
  expect([...tokenizer.encode(golden.text, { addSpecialTokens: false })]).toEqual(golden.bare ?? golden.ids);
  expect(tokenizer.decode(golden.ids)).toBe(golden.decoded);
  expect(tokenizer.decode(Int32Array.from(golden.ids), { skipSpecialTokens: true })).toBe(
    golden.decoded_skip_special,
  );
}

describe.each(kinds)('%s tokenizer', (kind) => {
  it.each(goldenTexts(kind))('encodes and decodes $text as the reference library', async (golden) => {
    expectGolden(await loadTokenizer(kind), golden);
  });
});

const referenceTokenizers = (() => {
  const root = reference('lm');
  if (!root) return [];
  const files = readdirSync(root).map((name) => join(root, name, 'tokenizer.json'));
  return files.filter((file) => existsSync(file));
})();

(referenceTokenizers.length > 0 ? describe : describe.skip)('reference tokenizers', () => {
  it.each(referenceTokenizers)('%s agrees with every golden text', async (file) => {
    const tokenizer = await Tokenizer.load(file, join(file, '../tokenizer_config.json'));
    expect(tokenizer.vocabSize).toBe(512);
    expect(tokenizer.eosTokenId).toBe(0);
    const texts = readGolden(reference('lm/tokenizer_golden.json')!);
    expect(texts.length).toBeGreaterThan(0);
    for (const golden of texts) expectGolden(tokenizer, golden);
  });
});

describe('byte-level tokenizer', () => {
  it('reads merges written as pairs like merges written as strings', async () => {
    const tokenizer = await loadChanged((json) => {
      json.model.merges = json.model.merges.map((merge: string) => merge.split(' '));
    });
    for (const golden of goldenTexts('byte-level')) expectGolden(tokenizer, golden);
  });

  it('splits at Unicode white space: U+FEFF is none', async () => {
    const tokenizer = await loadTokenizer('byte-level');
    expect([...tokenizer.encode("\ufeff'vedon't")]).toEqual([173, 121, 125, 8, 87, 287, 265, 8, 85]);
  });

  it('returns any text in normal form C', async () => {
    const tokenizer = await loadTokenizer('byte-level');
    const below = integers(1);
    const alphabet = [
      ...' \t\n\u00a0\u0085\ufeffaeiou\u0301\u0323THE the,.0123456789éß日本한국어😀👩‍💻\u{10ffff}',
    ];
    for (let round = 0; round < 200; round++) {
      const text = Array.from({ length: below(40) }, () => alphabet[below(alphabet.length)]).join('');
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text.normalize('NFC'));
    }
  });

  it('gives the bytes of each token', async () => {
    const tokenizer = await loadTokenizer('byte-level');
    for (const { ids, decoded } of goldenTexts('byte-level')) {
      expect(Buffer.concat(ids.map((id) => tokenizer.bytesOf(id))).toString()).toBe(decoded);
    }
  });
});

describe('decode', () => {
  it('leaves spaces before punctuation alone whatever tokenizer_config.json says', async () => {
    const tokenizer = await Tokenizer.load(tokenizerFile('byte-level'), byteLevelConfigFile);
    const text = "we do n't , he 's . so ?";
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  });

  it.each(kinds)('adds nothing for ids beyond the vocabulary (%s)', async (kind) => {
    const tokenizer = await loadTokenizer(kind);
    const ids = [...tokenizer.encode('the river', { addSpecialTokens: false })];
    const padded = ids.flatMap((id) => [id, tokenizer.vocabSize + 3]);
    expect(tokenizer.decode(padded)).toBe(tokenizer.decode(ids));
    expect(tokenizer.decode([tokenizer.vocabSize])).toBe('');
    expect(tokenizer.decode([])).toBe('');
  });

  it.each([-1, 1.5, Number.NaN])('refuses the id %d', async (id) => {
    const tokenizer = await loadTokenizer('byte-level');
    expect(() => tokenizer.decode([1, id])).toThrow(
      expect.objectContaining({
        code: 'ERR_ARGUMENT',
        message: `Expected an integer >= 0 for token id but received ${id}.`,
      }),
    );
  });
});

describe('encode', () => {
  it('refuses anything but a string', async () => {
    const tokenizer = await loadTokenizer('byte-level');
    expect(() => tokenizer.encode(7 as unknown as string)).toThrow(
      'Expected a string for text but received 7.',
    );
  });

  it('refuses text that needs a token the vocabulary lacks', async () => {
    const tokenizer = await loadChanged((json) => {
      json.post_processor = {
        type: 'TemplateProcessing',
        single: [{ SpecialToken: { id: '<missing>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
        pair: [],
        special_tokens: {},
      };
    });
    expect(() => tokenizer.encode('a')).toThrow(
      'Expected text that the tokenizer\'s vocabulary covers for text but received "<missing>".',
    );
  });
});

describe('load', () => {
  it('knows the vocabulary and the end-of-sequence token', async () => {
    const tokenizer = await Tokenizer.load(tokenizerFile('byte-level'), byteLevelConfigFile);
    expect(tokenizer.vocabSize).toBe(512);
    expect(tokenizer.eosTokenId).toBe(0);
  });

  it('reads an end-of-sequence token given as an object', async () => {
    const config = scratch.write('config.json', '{"eos_token": {"content": "<|padding|>"}}');
    expect((await Tokenizer.load(tokenizerFile('byte-level'), config)).eosTokenId).toBe(1);
  });

  it('has no end-of-sequence token without tokenizer_config.json', async () => {
    expect((await loadTokenizer('byte-level')).eosTokenId).toBeUndefined();
  });

  it('takes parts that are absent as none', async () => {
    const tokenizer = await loadChanged((json) => {
      for (const part of ['normalizer', 'post_processor', 'added_tokens']) delete json[part];
    });
    expect(tokenizer.decode(tokenizer.encode('Hello world'))).toBe('Hello world');
  });

  const broken: [string, (json: Json) => void, string, string][] = [
    ['no model', (json) => delete json.model, 'ERR_CHECKPOINT', 'model is undefined'],
    ['no vocabulary', (json) => delete json.model.vocab, 'ERR_CHECKPOINT', 'model.vocab is undefined'],
    ['a negative id', (json) => (json.model.vocab.a = -1), 'ERR_CHECKPOINT', 'gives "a" the id -1'],
    ['an id that is text', (json) => (json.model.vocab.a = '3'), 'ERR_CHECKPOINT', 'gives "a" the id "3"'],
    ['no merges', (json) => delete json.model.merges, 'ERR_CHECKPOINT', 'model.merges is undefined'],
    ['half a merge', (json) => (json.model.merges[2] = 'Ġ'), 'ERR_CHECKPOINT', 'model.merges[2] is "Ġ"'],
    [
      'a merge of unknown tokens',
      (json) => (json.model.merges[0] = ['Ġ', 'Ω']),
      'ERR_CHECKPOINT',
      'model.merges[0] is an array of 2. Expected two tokens that merge into a token.',
    ],
    [
      'a merge into no token',
      (json) => (json.model.merges[0] = 'z z'),
      'ERR_CHECKPOINT',
      'model.merges[0] is "z z"',
    ],
    [
      'added tokens that are no list',
      (json) => (json.added_tokens = {}),
      'ERR_CHECKPOINT',
      'added_tokens is',
    ],
    [
      'an added token without content',
      (json) => delete json.added_tokens[1].content,
      'ERR_CHECKPOINT',
      'added_tokens[1] is an object',
    ],
    [
      'an unknown decoder',
      (json) => (json.decoder.type = 'Rot13'),
      'ERR_CHECKPOINT',
      'cannot be used as a tokenizer',
    ],
    [
      'an unknown model',
      (json) => (json.model.type = 'WordLevel'),
      'ERR_UNSUPPORTED',
      'model type is "WordLevel"',
    ],
  ];

  it.each(broken)('refuses a tokenizer.json with %s', async (_, change, code, problem) => {
    const failure = await loadChanged(change).then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failure).toMatchObject({ name: 'SkipscanError', code });
    expect(failure!.message).toContain(join(scratch.path, 'tokenizer.json'));
    expect(failure!.message).toContain(problem);
  });

  it('refuses a Unigram vocabulary without pieces', async () => {
    const file = scratch.write('tokenizer.json', '{"model": {"type": "Unigram", "vocab": [["a", 0], "b"]}}');
    await expect(Tokenizer.load(file)).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: `${file}: model.vocab[1] is "b". Expected [piece, score].`,
    });
  });

  it.each([
    ['cut short', '{"model": {'],
    ['no object', '[1]'],
    ['empty', ''],
  ])('refuses files that are %s, naming the file', async (_, content) => {
    const file = scratch.write('broken.json', content);
    const naming = { code: 'ERR_CHECKPOINT', message: expect.stringContaining(file) };
    await expect(Tokenizer.load(file)).rejects.toMatchObject(naming);
    await expect(Tokenizer.load(tokenizerFile('byte-level'), file)).rejects.toMatchObject(naming);
  });

  it('refuses a file that is not there, naming it', async () => {
    const file = join(scratch.path, 'absent.json');
    await expect(Tokenizer.load(file)).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: expect.stringContaining(file),
    });
  });
});

/** Loads the byte-level tokenizer after a change to its JSON. */
function loadChanged(change: (json: Json) => unknown): Promise<Tokenizer> {
  const json = JSON.parse(readFileSync(tokenizerFile('byte-level'), 'utf8'));
  change(json);
  return Tokenizer.load(scratch.write('tokenizer.json', JSON.stringify(json)));
}
