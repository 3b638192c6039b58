import { invalidArgument } from '../errors';
import type { Policy } from '../reduction/policy-types';
import { checkTokens, needTokenizer, type Tokens } from './arguments';
import type { LanguageModel } from './language-model';
import { type Score, scoreBatch } from './score-batch';
import { tokenizePair } from './tokenize-pair';

/** How a continuation is scored. */
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
  const [before, after] = tokensOf(model, context, continuation);
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

/** @internal The tokens of a pair, of which either may be text; neither is checked. */
export function tokensOf(
  model: Pick<LanguageModel, 'tokenizer' | 'source'>,
  context: string | Tokens,
  continuation: string | Tokens,
): [Tokens, Tokens] {
  const tokenizer = () => needTokenizer(model.tokenizer, model.source);
  if (typeof context === 'string' && typeof continuation === 'string') {
    const pair = tokenizePair(tokenizer(), context, continuation);
    return [pair.context, pair.continuation];
  }
  const encode = (text: string) => tokenizer().encode(text);
  return [
    typeof context === 'string' ? encode(context) : context,
    typeof continuation === 'string' ? encode(continuation) : continuation,
  ];
}
