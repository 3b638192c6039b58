import { isRecord, readJsonObject } from '../checkpoints/json';
import { badCheckpoint, describe, SkipscanError } from '../errors';
import type { PreTokenizer } from './byte-level';

/** A tokenizer.json, as far as this package reads it itself. */
export interface TokenizerDefinition {
  normalizer: unknown;
  pre_tokenizer: PreTokenizer | null;
  post_processor: unknown;
  decoder: { type?: string } | null;
  added_tokens: { id: number; content: string; special?: boolean }[];
  model: { type?: string; vocab: Record<string, number> | [string, number][]; merges?: unknown };
}

/** A tokenizer_config.json, as far as this package reads it itself. */
export interface TokenizerConfig {
  bos_token?: SpecialToken;
  eos_token?: SpecialToken;
}

export type SpecialToken = string | { content?: string } | null | undefined;

type JsonObject = Record<string, unknown>;

/** Vocabularies of a quarter of a million tokens come in files of some 30 MB. */
const maxBytes = 128 << 20;

const modelTypes = ['BPE', 'WordPiece', 'Unigram'];

/** Reads and checks a tokenizer.json. Rejects with ERR_CHECKPOINT, or ERR_UNSUPPORTED for a kind nobody here can run. */
export async function readDefinition(file: string): Promise<TokenizerDefinition> {
  return checkedDefinition(file, await readJsonObject(file, maxBytes));
}

/** The same for a tokenizer.json that was read. */
export function checkedDefinition(file: string, json: JsonObject): TokenizerDefinition {
  const { model, added_tokens: added = [] } = json;
  if (!isRecord(model)) {
    throw badCheckpoint(
      file,
      `model is ${describe(model)}. Expected an object; this is not a tokenizer.json.`,
    );
  }
  if (model.type !== undefined && !modelTypes.includes(model.type as string)) {
    const message = `${file}: model type is ${describe(model.type)}. Expected one of: ${modelTypes.join(', ')}.`;
    throw new SkipscanError('ERR_UNSUPPORTED', message);
  }
  checkVocabulary(file, model);
  checkAddedTokens(file, added);
  // Parts that are absent and parts that are null both mean "none"; the library wants to see null.
  const parts = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
  return { ...parts, ...json, added_tokens: added } as TokenizerDefinition;
}

/** Reads a tokenizer_config.json; `undefined` stands for a tokenizer that came without one. */
export async function readConfig(file: string | undefined): Promise<TokenizerConfig> {
  return file === undefined ? {} : await readJsonObject(file);
}

/** Unigram lists [piece, score] pairs in id order; the other kinds map each token to its id. */
function checkVocabulary(file: string, model: JsonObject): void {
  const { type, vocab } = model;
  if (Array.isArray(vocab) && type !== 'BPE' && type !== 'WordPiece') {
    const wrong = vocab.findIndex((entry) => !Array.isArray(entry) || typeof entry[0] !== 'string');
    if (wrong >= 0) {
      throw badCheckpoint(
        file,
        `model.vocab[${wrong}] is ${describe(vocab[wrong])}. Expected [piece, score].`,
      );
    }
    return;
  }
  if (!isRecord(vocab)) {
    throw badCheckpoint(file, `model.vocab is ${describe(vocab)}. Expected an object of token ids.`);
  }
  for (const token of Object.keys(vocab)) {
    if (!isTokenId(vocab[token])) {
      const problem = `model.vocab gives ${describe(token)} the id ${describe(vocab[token])}. Expected an integer >= 0.`;
      throw badCheckpoint(file, problem);
    }
  }
  if (type === 'BPE') checkMerges(file, vocab, model);
}

/** A merge that leads out of the vocabulary would make the library drop text without a word. */
function checkMerges(
  file: string,
  vocab: JsonObject,
  { merges, continuing_subword_prefix: prefix }: JsonObject,
): void {
  if (!Array.isArray(merges)) {
    throw badCheckpoint(file, `model.merges is ${describe(merges)}. Expected an array of pairs of tokens.`);
  }
  for (const [i, merge] of merges.entries()) {
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    const isPair =
      Array.isArray(pair) && pair.length === 2 && pair.every((token) => typeof token === 'string');
    // With a continuing prefix ("##"), the merged token is not just the two parts joined.
    const tokens = isPair && !prefix ? [...pair, pair.join('')] : pair;
    if (!isPair || !(tokens as string[]).every((token) => Object.hasOwn(vocab, token))) {
      const problem = `model.merges[${i}] is ${describe(merge)}. Expected two tokens that merge into a token.`;
      throw badCheckpoint(file, problem);
    }
  }
}

function checkAddedTokens(file: string, added: unknown): void {
  if (!Array.isArray(added)) {
    throw badCheckpoint(file, `added_tokens is ${describe(added)}. Expected an array.`);
  }
  for (const [i, token] of added.entries()) {
    if (
      !isRecord(token) ||
      !isTokenId(token.id) ||
      typeof token.content !== 'string' ||
      token.content === ''
    ) {
      throw badCheckpoint(
        file,
        `added_tokens[${i}] is ${describe(token)}. Expected an id >= 0 and its content.`,
      );
    }
  }
}

/** Token ids travel in Int32Arrays. */
function isTokenId(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
}
