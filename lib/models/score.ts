import { invalidArgument } from '../errors';
import type { Policy } from '../reduction/policy-types';
import { checkTokens, needTokenizer, type Tokens } from './arguments';
import type { LanguageModel } from './language-model';
import { type Score, scoreBatch } from './score-batch';

export type ScoreOptions = {
  /** Removes tokens on the way. Defaults to none. */
  reduction?: Policy;
  /**
   * With a reduction: `'prefill'`, the default, reduces the context alone and scores the continuation from its state, so that
   * nothing of the continuation can decide what is removed. `'paper'` reduces both in one pass and scores the last rows that
   * are left against the first labels: our reading of arXiv 2410.14725, for comparison with its tables only.
   */
  protocol?: 'prefill' | 'paper';
  /** Stops the work; the call rejects with `signal.reason`. */
  signal?: AbortSignal;
};

/** @internal `LanguageModel.score`. */
export async function score(
  model: LanguageModel,
  context: string | Tokens,
  continuation: string | Tokens,
  o: ScoreOptions,
): Promise<Score> {
  const { vocabRows } = model.config;
  const [before, after] = tokenizePair(model, context, continuation);
  const item = {
    context: checkTokens(before, 'context', vocabRows),
    continuations: [checkTokens(after, 'continuation', vocabRows)],
  };
  if (o.protocol !== undefined && o.protocol !== 'prefill' && o.protocol !== 'paper') {
    throw invalidArgument('protocol', "'prefill' or 'paper'", o.protocol);
  }
  const [{ scores }] = await scoreBatch(model, [item], o);
  return scores[0];
}

/**
 * Text is tokenized as lm-evaluation-harness does it: spaces at the context's end move to the continuation, and the
 * continuation's tokens are those by which the whole text is longer than the context.
 */
function tokenizePair(
  model: LanguageModel,
  context: string | Tokens,
  continuation: string | Tokens,
): [Tokens, Tokens] {
  const encode = (text: string) => needTokenizer(model.tokenizer, model.source).encode(text);
  if (typeof context === 'string' && typeof continuation === 'string') {
    const trimmed = context.trimEnd();
    const before = encode(trimmed);
    return [before, encode(context + continuation).subarray(before.length)];
  }
  return [
    typeof context === 'string' ? encode(context) : context,
    typeof continuation === 'string' ? encode(continuation) : continuation,
  ];
}
