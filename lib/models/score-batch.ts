import { invalidArgument } from '../errors';
import { flops } from '../reduction/flops';
import { argmax, logSoftmaxAt } from '../text/logprobs';
import type { LanguageModel } from './language-model';
import { countsOf } from './reduce';
import type { Score, ScoreOptions } from './score';
import type { Session } from './session';

/** A context, and what may follow it. Each has at least one token. */
export type ScoreItem = { context: Int32Array; continuations: readonly Int32Array[] };

/** One score for each continuation, and the FLOPs of the passes that it took. */
export type ItemScores = { scores: Score[]; flops: number; denseFlops: number };

/** Continuation tokens whose logits are held at once. */
const chunk = 64;

/**
 * Scores continuations of many contexts. With the protocol `'prefill'` a context is read once for all its continuations.
 *
 * @internal
 */
export async function scoreBatch(
  model: LanguageModel,
  items: readonly ScoreItem[],
  o: ScoreOptions = {},
): Promise<ItemScores[]> {
  const { protocol = 'prefill' } = o;
  if (protocol !== 'prefill' && protocol !== 'paper') {
    throw invalidArgument('protocol', "'prefill' or 'paper'", protocol);
  }
  const results: ItemScores[] = [];
  for (const item of items) {
    results.push(await (protocol === 'paper' ? paperScores(model, item, o) : prefillScores(model, item, o)));
  }
  return results;
}

/** The context is reduced alone; every continuation goes on from a copy of the state that it leaves. */
async function prefillScores(
  model: LanguageModel,
  { context, continuations }: ScoreItem,
  { reduction, signal }: ScoreOptions,
): Promise<ItemScores> {
  await using read = model.createSession({ reduction });
  const first = await read.prefill(context, { signal });
  const scores: Score[] = [];
  for (const continuation of continuations) {
    await using session = read.clone();
    scores.push(await scoreRows(continuationRows(model, session, first, continuation, signal), continuation));
  }
  const further = continuations.reduce((sum, { length }) => sum + readFlops(model, length - 1), 0);
  const { config } = model;
  const counts = reduction?.name === 'ltmp' ? countsOf(read.kept, 0) : undefined;
  return {
    scores,
    flops: flops(config, { length: context.length, reduction, counts }).total + further,
    denseFlops: flops(config, { length: context.length }).total + further,
  };
}

/** Of reading tokens with the logits after each. */
function readFlops({ config }: LanguageModel, length: number): number {
  return length === 0 ? 0 : flops(config, { length, headRows: length }).total;
}

/** The logits that each token of the continuation is scored against. */
async function* continuationRows(
  { config: { vocabRows } }: LanguageModel,
  session: Session,
  first: Float32Array,
  continuation: Int32Array,
  signal?: AbortSignal,
): AsyncGenerator<Float32Array> {
  yield first;
  for (let start = 0; start + 1 < continuation.length; start += chunk) {
    const part = continuation.subarray(start, Math.min(start + chunk, continuation.length - 1));
    const logits = await session.readAll(part, { signal });
    for (const i of part.keys()) yield logits.subarray(i * vocabRows, (i + 1) * vocabRows);
  }
}

/** Context and continuation are reduced in one pass, each continuation's own. */
async function paperScores(
  model: LanguageModel,
  { context, continuations }: ScoreItem,
  { reduction, signal }: ScoreOptions,
): Promise<ItemScores> {
  const result: ItemScores = { scores: [], flops: 0, denseFlops: 0 };
  for (const continuation of continuations) {
    const tokens = Int32Array.from([...context, ...continuation.subarray(0, -1)]);
    const { logits, positions, stats } = await model.forward(tokens, { reduction, signal });
    const rows = paperRows(model, logits, positions.length, tokens.length, continuation);
    result.scores.push(await scoreRows(rows, continuation));
    result.flops += stats.flops;
    result.denseFlops += stats.denseFlops;
  }
  return result;
}

/** The last rows that the pass leaves: as many as the continuation has tokens, times the share that is left. */
function* paperRows(
  { config: { vocabRows } }: LanguageModel,
  logits: Float32Array,
  left: number,
  read: number,
  continuation: Int32Array,
): Generator<Float32Array> {
  const lost = 1 - left / read;
  const scored = Math.min(left, Math.max(1, Math.floor((1 - lost) * continuation.length)));
  for (let row = left - scored; row < left; row += 1)
    yield logits.subarray(row * vocabRows, (row + 1) * vocabRows);
}

async function scoreRows(
  rows: AsyncIterable<Float32Array> | Iterable<Float32Array>,
  labels: Int32Array,
): Promise<Score> {
  const logprobs: number[] = [];
  let total = 0;
  let greedyTokens = 0;
  for await (const logits of rows) {
    const label = labels[logprobs.length];
    const logprob = logSoftmaxAt(logits, label);
    logprobs.push(logprob);
    total += logprob;
    if (argmax(logits) === label) greedyTokens += 1;
  }
  const greedy = greedyTokens === logprobs.length;
  return { logprobs: Float32Array.from(logprobs), total, greedy, greedyTokens };
}
