import { TextStream, type Tokenizer } from '../../../lib/text';
import { goldenTexts, integers, kinds, loadTokenizer } from './fixtures';

/** The pieces of a stream, the flushed rest last. */
function stream(tokenizer: Tokenizer, ids: number[], skipSpecialTokens = false): string[] {
  const decoder = new TextStream(tokenizer, { skipSpecialTokens });
  const pieces = ids.map((id) => decoder.push(id));
  return [...pieces, decoder.flush()];
}

describe.each(kinds)('TextStream of a %s tokenizer', (kind) => {
  it.each(goldenTexts(kind))('gives $text in pieces', async ({ ids, decoded, decoded_skip_special }) => {
    const tokenizer = await loadTokenizer(kind);
    expect(stream(tokenizer, ids).join('')).toBe(decoded);
    expect(stream(tokenizer, ids, true).join('')).toBe(decoded_skip_special);
  });

  it('joins to what decode gives, for any tokens', async () => {
    const tokenizer = await loadTokenizer(kind);
    const below = integers(kinds.indexOf(kind));
    for (let round = 0; round < 300; round++) {
      // A few ids beyond the vocabulary, as a model with padding rows can choose them.
      const ids = Array.from({ length: below(30) }, () => below(tokenizer.vocabSize + 5));
      for (const skipSpecialTokens of [false, true]) {
        const pieces = stream(tokenizer, ids, skipSpecialTokens);
        expect(pieces.join('')).toBe(tokenizer.decode(ids, { skipSpecialTokens }));
      }
    }
  });
});

describe('TextStream', () => {
  it('joins to what decode gives, for any bytes', async () => {
    const tokenizer = await loadTokenizer('byte-level');
    const byteIds = new Map<number, number>();
    for (let id = 0; id < tokenizer.vocabSize; id++) {
      const bytes = tokenizer.bytesOf(id);
      if (bytes.length === 1) byteIds.set(bytes[0], id);
    }
    expect(byteIds.size).toBe(256);
    const below = integers(7);
    // Whole characters, their fragments and bytes that UTF-8 never uses.
    const fragments = [...'aé日😀\ufeff'].map((character) => Buffer.from(character));
    for (let round = 0; round < 500; round++) {
      const parts = Array.from({ length: below(12) }, () => {
        if (below(4) === 0) return Buffer.from([below(256)]);
        const fragment = fragments[below(fragments.length)];
        return fragment.subarray(below(2) * below(fragment.length), fragment.length - below(2) * below(2));
      });
      const bytes = Buffer.concat(parts);
      const pieces = stream(
        tokenizer,
        Array.from(bytes, (byte) => byteIds.get(byte)!),
      );
      expect(pieces.join('')).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
    }
  });

  it.each(['byte-level', 'sentencepiece'] as const)('gives whole characters only (%s)', async (kind) => {
    const tokenizer = await loadTokenizer(kind);
    const ids = [...tokenizer.encode('日本😀', { addSpecialTokens: false })];
    const pieces = stream(tokenizer, ids);
    expect(pieces.filter((piece) => piece !== '')).toEqual(['日', '本', '😀']);
    expect(pieces.at(-1)).toBe('');
  });

  it.each(['byte-level', 'sentencepiece'] as const)(
    'gives text as soon as it is certain (%s)',
    async (kind) => {
      const tokenizer = await loadTokenizer(kind);
      const ids = [...tokenizer.encode('the old mill', { addSpecialTokens: false })];
      const decoder = new TextStream(tokenizer);
      for (let end = 1; end <= ids.length; end++) {
        expect(decoder.push(ids[end - 1])).toBe(
          tokenizer.decode(ids.slice(0, end)).slice(tokenizer.decode(ids.slice(0, end - 1)).length),
        );
      }
    },
  );

  it.each(['byte-level', 'sentencepiece'] as const)(
    'flushes a broken character as U+FFFD (%s)',
    async (kind) => {
      const tokenizer = await loadTokenizer(kind);
      const ids = [...tokenizer.encode('a日', { addSpecialTokens: false })].slice(0, -1);
      const decoder = new TextStream(tokenizer);
      expect(ids.map((id) => decoder.push(id)).join('')).toBe('a');
      expect(decoder.flush()).toBe('\ufffd');
      expect(decoder.flush()).toBe('');
    },
  );

  it.each(kinds)('begins a new text after a flush (%s)', async (kind) => {
    const tokenizer = await loadTokenizer(kind);
    const ids = [...tokenizer.encode('the river', { addSpecialTokens: false })];
    const decoder = new TextStream(tokenizer);
    for (let round = 0; round < 2; round++) {
      const text = ids.map((id) => decoder.push(id)).join('') + decoder.flush();
      expect(text).toBe(tokenizer.decode(ids));
    }
  });

  it('refuses what is no token id', async () => {
    const decoder = new TextStream(await loadTokenizer('byte-level'));
    expect(() => decoder.push(-1)).toThrow('Expected an integer >= 0 for token id but received -1.');
  });
});
