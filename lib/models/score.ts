import { invalidArgument } from '../errors';
import type { Policy } from '../reduction/policy-types';
import { argmax, logSoftmaxAt } from '../text/logprobs';
import { checkTokens, needTokenizer, type Tokens } from './arguments';
import type { LanguageModel } from './language-model';

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

export type Score = {
  /** Natural logarithm of each continuation token's probability, given the context and the tokens before it. With the protocol `'paper'`, of as many as there are rows for. */
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

  if (o.protocol !== undefined && o.protocol !== 'prefill' && o.protocol !== 'paper') {
    throw invalidArgument('protocol', "'prefill' or 'paper'", o.protocol);
  }
  const rows =
    o.protocol === 'paper' ? paperRows(model, given, scored, o) : prefillRows(model, given, scored, o);
  const logprobs: number[] = [];
  let total = 0;
  let greedy = true;
  for await (const logits of rows) {
    const label = scored[logprobs.length];
    const logprob = logSoftmaxAt(logits, label);
    logprobs.push(logprob);
    total += logprob;
    greedy &&= argmax(logits) === label;
  }
  return { logprobs: Float32Array.from(logprobs), total, greedy };
}

/** The logits that each token of the continuation is scored against, from the state that the context leaves. */
async function* prefillRows(
  model: LanguageModel,
  context: Int32Array,
  continuation: Int32Array,
  o: ScoreOptions,
): AsyncGenerator<Float32Array> {
  const { vocabRows } = model.config;
  await using session = model.createSession({ reduction: o.reduction });
  yield await session.prefill(context, { signal: o.signal });
  for (let start = 0; start + 1 < continuation.length; start += chunk) {
    const part = continuation.subarray(start, Math.min(start + chunk, continuation.length - 1));
    const logits = await session.readAll(part, { signal: o.signal });
    for (const i of part.keys()) yield logits.subarray(i * vocabRows, (i + 1) * vocabRows);
  }
}

/** Those of the last rows that one reduced pass over both leaves: the continuation's length times the share that is left. */
async function* paperRows(
  model: LanguageModel,
  context: Int32Array,
  continuation: Int32Array,
  o: ScoreOptions,
): AsyncGenerator<Float32Array> {
  const { vocabRows } = model.config;
  const tokens = Int32Array.from([...context, ...continuation.subarray(0, -1)]);
  const { logits, positions } = await model.forward(tokens, { reduction: o.reduction, signal: o.signal });
  const left = positions.length;
  const lost = 1 - left / tokens.length;
  const scored = Math.min(left, Math.max(1, Math.floor((1 - lost) * continuation.length)));
  for (let row = left - scored; row < left; row += 1)
    yield logits.subarray(row * vocabRows, (row + 1) * vocabRows);
}

/**
 * @internal Text is tokenized as lm-evaluation-harness does it: spaces at the context's end move to the continuation, and the
 * continuation's tokens are those by which the whole text is longer than the context.
 */
export function tokenizePair(
  model: Pick<LanguageModel, 'tokenizer' | 'source'>,
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
