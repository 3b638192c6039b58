// What fuzzing, or reading the code for it, has found: each input once did what its name says.
import { createHash } from 'node:crypto';
import { decodeJsonObject } from '../../../lib/checkpoints/json';
import { readShards } from '../../../lib/checkpoints/sharded';
import { describe as describeValue } from '../../../lib/errors';
import { DataRecord } from '../../../lib/evaluation/records';
import { parseConfig } from '../../../lib/models/config';
import { decodeSession } from '../../../lib/models/session-file';
import { inferVisionConfig } from '../../../lib/models/vision-infer';
import { prune, resolvePolicy } from '../../../lib/reduction';
import { ScanPath } from '../../../lib/scan-path';
import { Tokenizer } from '../../../lib/text/tokenizer';
import { checkedDefinition } from '../../../lib/text/tokenizer-file';
import { errorOf } from '../../helpers/rejection';

/** What neither text nor a number can be made of. */
const unconvertible = { toString: 1, valueOf: 1 };
const long = 'x'.repeat(5000);

/** A file of these header fields that has the right checksum. */
function savedSession(header: object): Uint8Array {
  const text = Buffer.from(
    JSON.stringify({ fingerprint: 'ab', length: 6, kept: [], stateBytes: 0, ...header }),
  );
  const prefix = Buffer.from('SKIPSCAN\x01\0\0\0\0\0\0\0', 'latin1');
  prefix.writeUInt32LE(text.length, 12);
  const all = Buffer.concat([prefix, text]);
  return Buffer.concat([all, createHash('sha256').update(all).digest()]);
}

test.each<[string, object]>([
  ['a negative length, the position of the next token', { length: -1 }],
  ['a reduction that is no object: a TypeError', { kept: [null] }],
  [
    'positions that are not an array: memory for as many as it says',
    { kept: [{ layer: 0, positions: { length: 2 ** 31 } }] },
  ],
  ['positions that are no numbers, which became 0', { kept: [{ layer: 0, positions: ['a', null] }] }],
  ['positions after the end', { kept: [{ layer: 0, positions: [0, 6] }] }],
  ['positions that do not rise', { kept: [{ layer: 0, positions: [2, 2] }] }],
  ['a layer that is none', { kept: [{ layer: '__proto__', positions: [] }] }],
])('a saved session with %s', (_what, header) => {
  expect(decodeSession(savedSession({ kept: [{ layer: 0, positions: [0, 5] }] })).kept).toHaveLength(1);
  const error = errorOf(() => decodeSession(savedSession(header)));
  expect(error.code).toBe('ERR_ARGUMENT');
  expect(error.message).toContain('has a header that does not fit its contents');
});

const mamba = { model_type: 'mamba', hidden_size: 32 };

test.each<[string, object, string]>([
  [
    'a limit that no number can be made of: a TypeError',
    {
      model_type: 'mamba2',
      hidden_size: 64,
      num_heads: 2,
      n_groups: 1,
      time_step_limit: [0, { __float__: unconvertible }],
    },
    'time_step_limit',
  ],
  [
    'more layers than any model: memory for the names of their tensors',
    { ...mamba, num_hidden_layers: 2 ** 24 },
    'from 1 to 4096 for num_hidden_layers',
  ],
  ['the same in the other format', { d_model: 32, n_layer: 2 ** 24 }, 'from 1 to 4096 for n_layer'],
  [
    'an epsilon below 0: activations that are no numbers',
    { ...mamba, layer_norm_epsilon: -5 },
    'from 0 to 1 for layer_norm_epsilon',
  ],
  ['a long value where a size should be: a message as long', { ...mamba, hidden_size: long }, 'hidden_size'],
  ['a long name of an activation', { ...mamba, hidden_act: long }, 'hidden_act'],
  ['a long model type', { model_type: long }, 'model_type'],
])('a config.json with %s', (_what, json, message) => {
  const error = errorOf(() => parseConfig('config.json', json as never));
  expect(error.message).toContain(message);
  expect(error.message.length).toBeLessThan(300);
});

test('ids of an end of text that are none are passed over: they were 2^53 and -1', () => {
  const config = parseConfig('config.json', { ...mamba, eos_token_id: [3, 2 ** 53, -1, 'x'] } as never);
  expect(config.eosTokenIds).toEqual([3]);
});

test('shapes of many axes are not all in the message', () => {
  const shape = Array(5000).fill(3);
  const tensors = new Map([['backbone.patch_embed.projection.weight', { shape }]]);
  expect(errorOf(() => inferVisionConfig('x.pth', tensors)).message.length).toBeLessThan(300);
});

test('a merge of what no text can be made of was a TypeError', () => {
  const model = { type: 'BPE', vocab: { a: 0, aa: 1 }, merges: [[unconvertible, 'a']] };
  expect(errorOf(() => checkedDefinition('tokenizer.json', { model })).message).toContain('model.merges[0]');
});

test('parts of a tokenizer that the library cannot use are an error about the file, when they are used', async () => {
  const model = { type: 'WordPiece', vocab: { '[UNK]': 0, a: 1 }, unk_token: '[UNK]' };
  const post_processor = {
    type: 'TemplateProcessing',
    single: [{ Sequence: null }],
    pair: [],
    special_tokens: {},
  };
  const definition = checkedDefinition('tokenizer.json', { model, post_processor });
  const tokenizer = await Tokenizer.of('tokenizer.json', definition, {});
  const error = errorOf(() => tokenizer.encode('a'));
  expect(error.code).toBe('ERR_CHECKPOINT');
  expect(error.message).toMatch(/^tokenizer\.json: cannot be used as a tokenizer: /);
});

test('text without a token is an error where the token for it is not in the vocabulary: it was -1', async () => {
  const model = { type: 'WordPiece', vocab: { a: 0 }, unk_token: '[UNK]' };
  const tokenizer = await Tokenizer.of('tokenizer.json', checkedDefinition('tokenizer.json', { model }), {});
  expect([...tokenizer.encode('a')]).toEqual([0]);
  expect(errorOf(() => tokenizer.encode('b')).message).toContain(
    "that the tokenizer's vocabulary covers for text",
  );
});

test('an id for unknown text that is no token is not given out', async () => {
  const model = { type: 'Unigram', vocab: [['a', -1]], unk_id: 2_000_000 };
  const tokenizer = await Tokenizer.of('tokenizer.json', checkedDefinition('tokenizer.json', { model }), {});
  expect(errorOf(() => tokenizer.encode('b')).code).toBe('ERR_ARGUMENT');
});

test('long names are cut in messages', async () => {
  const weightMap = new Map([['a', long]]);
  const missing = readShards('index', weightMap, [], async () => new Map());
  await expect(missing).rejects.toMatchObject({ message: expect.stringMatching(/^.{0,500}$/) });
  const twice = Buffer.from(`{"${'\\u0001'.repeat(99)}":1,"${'\\u0001'.repeat(99)}":1}`);
  expect(errorOf(() => decodeJsonObject(twice, 'file')).message.length).toBeLessThan(300);
  const row = new DataRecord('file:1', { [long]: 1 });
  expect(errorOf(() => row.text('text')).message.length).toBeLessThan(700);
  const layers = Array.from({ length: 500 }, (_, i) => i);
  const model = parseConfig('config.json', { ...mamba, num_hidden_layers: 501 });
  const policy = prune({ layers, flopsReduction: 0.9999 });
  expect(errorOf(() => resolvePolicy(policy, model, 2)).message.length).toBeLessThan(600);
});

test('a picture of a value has no more than some 100 characters', () => {
  for (const value of ['\x01'.repeat(60), { [long]: 1 }, 10n ** 500n, [long]]) {
    expect(describeValue(value).length).toBeLessThan(110);
  }
});

test.each<[string, () => unknown, string]>([
  [
    'rows that no number can be made of: a TypeError',
    () => new ScanPath({ index: [unconvertible as never] }),
    'for index',
  ],
  ['more rows than 32 bits count', () => new ScanPath({ index: [0], rows: 2 ** 53 - 1 }), 'for rows'],
  [
    'gaps that lead past 32 bits: negative ranks',
    () => new ScanPath({ index: [0, 1], gap: [2 ** 31 - 1, 2] }),
    'for gap',
  ],
])('a path with %s', (_what, make, message) => {
  const error = errorOf(make);
  expect(error.code).toBe('ERR_ARGUMENT');
  expect(error.message).toContain(message);
});

test('a path of two steps takes memory for two steps, whatever row they are at', () => {
  const last = 2 ** 31 - 1;
  const path = new ScanPath({ index: [last, 0] });
  expect([...path.compacted().index]).toEqual([1, 0]);
  expect([...path.subset([last]).index]).toEqual([last]);
});
