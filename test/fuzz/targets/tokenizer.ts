import { readFileSync } from 'node:fs';
import { decodeJsonObject } from '../../../lib/checkpoints/json';
import { Tokenizer } from '../../../lib/text/tokenizer';
import { checkedDefinition } from '../../../lib/text/tokenizer-file';
import { fixture } from '../../helpers/reference';
import { attempt, attemptAsync, expect } from '../engine/check';
import type { Target } from '../engine/target';
import { mutateJson } from '../mutators/json';

const texts = ['', 'The cat sat.', ' é漢字\n\t 🙂', '<|endoftext|>a<unk>', '\ud800 \u0000'];

/** `{ tokenizer, config }`: both files of a tokenizer, small. What is accepted encodes and decodes texts. */
export const tokenizer: Target = {
  name: 'tokenizer',
  seeds: () => [
    ...['unigram', 'wordpiece', 'byte-level', 'sentencepiece'].map((name) =>
      small(fixture(`tokenizer/${name}.json`)),
    ),
  ],
  mutators: [mutateJson],
  async run(input) {
    const codes = ['ERR_CHECKPOINT', 'ERR_UNSUPPORTED'] as const;
    const made = await attemptAsync(codes, () => {
      const { tokenizer, config } = decodeJsonObject(input, 'tokenizer.json');
      const definition = checkedDefinition('tokenizer.json', (tokenizer ?? {}) as Record<string, unknown>);
      return Tokenizer.of('tokenizer.json', definition, (config ?? {}) as Record<string, unknown>);
    });
    if (!made) return;
    expect(Number.isSafeInteger(made.vocabSize) && made.vocabSize >= 0, `a size, not ${made.vocabSize}`);
    for (const text of texts) {
      const ids = attempt(['ERR_ARGUMENT', ...codes], () => made.encode(text));
      if (!ids) continue;
      expect(
        ids.every((id) => id >= 0 && id < made.vocabSize),
        `ids below ${made.vocabSize}, not ${ids}`,
      );
      const decoded = attempt(['ERR_ARGUMENT', ...codes], () =>
        made.decode(ids, { skipSpecialTokens: true }),
      );
      expect(decoded === undefined || typeof decoded === 'string', 'text');
    }
  },
};

/** A tokenizer.json with a few of its tokens and merges, enough to have each kind. */
function small(file: string): Buffer {
  const json = JSON.parse(readFileSync(file, 'utf8'));
  const { vocab, merges } = json.model;
  const few = 40;
  json.model.vocab = Array.isArray(vocab)
    ? vocab.slice(0, few)
    : Object.fromEntries(Object.entries(vocab).slice(0, few));
  if (merges)
    json.model.merges = merges.filter((merge: string | string[]) => mergesWithin(merge, json.model.vocab));
  return Buffer.from(
    JSON.stringify({ tokenizer: json, config: { bos_token: '<s>', eos_token: { content: '</s>' } } }),
  );
}

function mergesWithin(merge: string | string[], vocab: object): boolean {
  const pair = typeof merge === 'string' ? merge.split(' ') : merge;
  return [...pair, pair.join('')].every((token) => Object.hasOwn(vocab, token));
}
