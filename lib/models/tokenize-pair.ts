import { mismatch } from '../errors';
import { rstrip } from '../text/python';
import type { Tokenizer } from '../text/tokenizer';

/**
 * The tokens of a context and of what follows it, as lm-evaluation-harness makes them: spaces at the context's end move to the
 * continuation; the continuation's tokens are those by which the whole text is longer than the context; and where there is no
 * context, the token that begins a text, or else the one that ends it, stands for one.
 *
 * @throws SkipscanError `ERR_ARGUMENT` for an empty context where the tokenizer names neither token
 */
export function tokenizePair(
  tokenizer: Tokenizer,
  context: string,
  continuation: string,
): { context: Int32Array; continuation: Int32Array } {
  const prefix = tokenizer.bosTokenId ?? tokenizer.eosTokenId;
  if (context === '') {
    const tokens = tokenizer.encode(continuation, { addSpecialTokens: false });
    if (tokens.length > 0 && tokens[0] === prefix) {
      return { context: tokens.subarray(0, 1), continuation: tokens.subarray(1) };
    }
    if (prefix !== undefined) return { context: Int32Array.of(prefix), continuation: tokens };
    throw mismatch(
      'context',
      'text, as the tokenizer names no token that begins or ends a text,',
      'an empty string',
    );
  }
  // A text that begins with this token, written out, gets no second one.
  const written = prefix === undefined ? undefined : tokenizer.decode([prefix]);
  const encode = (text: string) =>
    tokenizer.encode(text, { addSpecialTokens: written === undefined || !text.startsWith(written) });
  const before = encode(rstrip(context));
  return { context: before, continuation: encode(context + continuation).subarray(before.length) };
}
