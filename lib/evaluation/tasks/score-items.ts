import type { LanguageModel } from '../../models/language-model';
import { countsOf } from '../../models/reduce';
import type { ScoreOptions } from '../../models/score';
import { flops } from '../../reduction';
import { argmax, logSoftmaxAt } from '../../text/logprobs';

/** A context, and what may follow it. */
export type ScoredItem = { context: Int32Array; continuation: Int32Array };

export type ItemScore = {
  /** Natural logarithm of each token's probability; with the protocol `'paper'`, of as many as there are rows for. */
  logprobs: number[];
  /** How many of these tokens are the most probable ones. */
  greedyTokens: number;
  flops: number;
  denseFlops: number;
};

/** Continuations after their contexts, by the rules of `LanguageModel.score`. */
export async function scoreItems(
  model: LanguageModel,
  items: readonly ScoredItem[],
  o: ScoreOptions,
): Promise<ItemScore[]> {
  const scores: ItemScore[] = [];
  for (const item of items) {
    scores.push(
      o.protocol === 'paper' ? await scoreInOnePass(model, item, o) : await scoreAfter(model, item, o),
    );
  }
  return scores;
}

/** The continuation from the state that the context leaves. */
async function scoreAfter(
  model: LanguageModel,
  { context, continuation }: ScoredItem,
  { reduction, signal }: ScoreOptions,
): Promise<ItemScore> {
  await using session = model.createSession({ reduction });
  const first = await session.prefill(context, { signal });
  const rest =
    continuation.length > 1
      ? await session.readAll(continuation.subarray(0, -1), { signal })
      : new Float32Array(0);
  const logits = new Float32Array(first.length + rest.length);
  logits.set(first);
  logits.set(rest, first.length);
  const { config } = model;
  const { length } = context;
  const counts = reduction?.name === 'ltmp' ? countsOf(session.kept, 0) : undefined;
  const read = continuation.length - 1;
  const after = read > 0 ? flops(config, { length: read, headRows: read }).total : 0;
  return {
    ...scoreRows(logits, continuation),
    flops: flops(config, { length, reduction, counts }).total + after,
    denseFlops: flops(config, { length }).total + after,
  };
}

/** Both in one reduced pass: the last rows that it leaves, the continuation's length times the share that is left. */
async function scoreInOnePass(
  model: LanguageModel,
  { context, continuation }: ScoredItem,
  { reduction, signal }: ScoreOptions,
): Promise<ItemScore> {
  const tokens = Int32Array.from([...context, ...continuation.subarray(0, -1)]);
  const { logits, positions, vocabSize, stats } = await model.forward(tokens, { reduction, signal });
  const left = positions.length;
  const lost = 1 - left / tokens.length;
  const scored = Math.min(left, Math.max(1, Math.floor((1 - lost) * continuation.length)));
  const rows = logits.subarray((left - scored) * vocabSize);
  const { flops, denseFlops } = stats;
  return { ...scoreRows(rows, continuation.subarray(0, scored)), flops, denseFlops };
}

/** @param logits `[labels.length, vocabRows]` */
function scoreRows(logits: Float32Array, labels: Int32Array): Pick<ItemScore, 'logprobs' | 'greedyTokens'> {
  const width = logits.length / labels.length;
  const rows = Array.from(labels, (_, i) => logits.subarray(i * width, (i + 1) * width));
  return {
    logprobs: rows.map((row, i) => logSoftmaxAt(row, labels[i])),
    greedyTokens: rows.filter((row, i) => argmax(row) === labels[i]).length,
  };
}
