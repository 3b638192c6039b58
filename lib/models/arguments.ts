import { types } from 'node:util';
import { invalidArgument, SkipscanError } from '../errors';
import type { Tokenizer } from '../text/tokenizer';

/** Token ids. */
export type Tokens = Int32Array | readonly number[];

/**
 * Checks token ids and returns them as an Int32Array of their own: the caller may write to theirs while the call waits.
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
  const copy = tokens.slice();
  for (let i = 0; i < copy.length; i += 1) checkToken(copy[i], `${name}[${i}]`, vocabRows);
  return types.isInt32Array(copy) ? copy : Int32Array.from(copy);
}

/** Checks one token id. */
export function checkToken(token: number, name: string, vocabRows: number): void {
  if (!Number.isInteger(token) || token < 0 || token >= vocabRows) {
    throw invalidArgument(name, `a token id from 0 to ${vocabRows - 1}`, token);
  }
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
