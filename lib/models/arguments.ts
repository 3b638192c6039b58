import { types } from 'node:util';
import { invalidArgument, SkipscanError } from '../errors';
import type { Tokenizer } from '../text/tokenizer';

/** Token ids. */
export type Tokens = Int32Array | readonly number[];

/**
 * Checks token ids and returns a copy of them: the caller may write others over these while the call waits for its turn, and ids
 * that nobody has checked would be read as addresses.
 *
 * @param name what the caller calls the argument, for errors
 * @param vocabRows ids are from 0 to `vocabRows - 1`
 */
export function checkTokens(tokens: Tokens, name: string, vocabRows: number): Int32Array {
  if (!types.isInt32Array(tokens) && !Array.isArray(tokens)) {
    throw invalidArgument(name, 'an Int32Array or an array of token ids', tokens);
  }
  if (tokens.length === 0) {
    throw new SkipscanError('ERR_ARGUMENT', `Expected at least one token for ${name} but received none.`);
  }
  const ids = types.isInt32Array(tokens) ? new Int32Array(tokens) : [...tokens];
  for (let i = 0; i < ids.length; i += 1) {
    if (!isToken(ids[i], vocabRows)) throw notAToken(ids[i], `${name}[${i}]`, vocabRows);
  }
  return types.isInt32Array(ids) ? ids : Int32Array.from(ids);
}

/** Checks one token id. */
export function checkToken(token: number, name: string, vocabRows: number): void {
  if (!isToken(token, vocabRows)) throw notAToken(token, name, vocabRows);
}

function isToken(token: number, vocabRows: number): boolean {
  return Number.isInteger(token) && token >= 0 && token < vocabRows;
}

function notAToken(token: number, name: string, vocabRows: number): SkipscanError {
  return invalidArgument(name, `a token id from 0 to ${vocabRows - 1}`, token);
}

/** The tokenizer, or an error that says how to come by one. */
export function needTokenizer(tokenizer: Tokenizer | undefined, source: string): Tokenizer {
  if (tokenizer) return tokenizer;
  throw new SkipscanError(
    'ERR_ARGUMENT',
    `Received text, but ${source} has no tokenizer.json. Pass token ids, or load the model with the option ` +
      `tokenizer: a folder, a tokenizer.json or a hub id that has one (state-spaces models use EleutherAI/gpt-neox-20b).`,
  );
}
