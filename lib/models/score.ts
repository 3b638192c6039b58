import { argmax, logSoftmaxAt } from '../text/logprobs';
import { checkTokens, needTokenizer, type Tokens } from './arguments';
import type { LanguageModel } from './language-model';

export type ScoreOptions = {
  /** Stops the work; the call rejects with `signal.reason`. */
  signal?: AbortSignal;
};

export type Score = {
  /** Natural logarithm of each continuation token's probability, given the context and the tokens before it. */
  logprobs: Float32Array;
  /** Their sum. */
  total: number;
  /** Whether every continuation token is the most probable one. */
  greedy: boolean;
};

/** Continuation tokens whose logits are held at once. */
const chunk = 64;

/** @internal `LanguageModel.score`. */
export async function score(
  model: LanguageModel,
  context: string | Tokens,
  continuation: string | Tokens,
  o: ScoreOptions,
): Promise<Score> {
  const { vocabRows } = model.config;
  const [before, after] = tokenizePair(model, context, continuation);
  const given = checkTokens(before, 'context', vocabRows);
  const scored = checkTokens(after, 'continuation', vocabRows);

  const logprobs = new Float32Array(scored.length);
  let total = 0;
  let greedy = true;
  const take = (i: number, logits: Float32Array) => {
    const logprob = logSoftmaxAt(logits, scored[i]);
    logprobs[i] = logprob;
    total += logprob;
    greedy &&= argmax(logits) === scored[i];
  };

  await using session = model.createSession();
  take(0, await session.prefill(given, o));
  for (let start = 0; start + 1 < scored.length; start += chunk) {
    const part = scored.subarray(start, Math.min(start + chunk, scored.length - 1));
    const logits = await session.prefillAll(part, o);
    part.forEach((_, i) => {
      take(start + i + 1, logits.subarray(i * vocabRows, (i + 1) * vocabRows));
    });
  }
  return { logprobs, total, greedy };
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
