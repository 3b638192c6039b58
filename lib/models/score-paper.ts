import { flops } from '../reduction/flops';
import { forward } from './forward';
import { labelLogprobs, scoreOf } from './label-logprobs';
import type { LanguageModel } from './language-model';
import { concatenate, packsOf } from './packed';
import { countsOf } from './reduce';
import type { BatchOptions, ItemScores, PassOptions, Score, ScoreItem } from './score-batch';

/** One continuation of one item, and what is read to score it. */
type Reading = { item: number; continuation: Int32Array; tokens: Int32Array };
type Scored = { item: number; score: Score; flops: number; denseFlops: number };

/**
 * The protocol `'paper'`, our reading of arXiv 2410.14725: context and continuation, without its last token, in one reduced pass. Of
 * the continuation's labels, as many are scored as the share of rows that is left, the first labels against the last rows.
 *
 * @param logitRows rows of logits that may be held at once
 */
export async function paperScores(
  model: LanguageModel,
  items: readonly ScoreItem[],
  o: BatchOptions & PassOptions,
  logitRows: number,
): Promise<ItemScores[]> {
  const readings = items.flatMap(({ context, continuations }, item) =>
    continuations.map((continuation): Reading => {
      return { item, continuation, tokens: concatenate([context, continuation.subarray(0, -1)]) };
    }),
  );
  const scored: Scored[] = [];
  const most = { tokens: logitRows, sequences: Number.POSITIVE_INFINITY };
  for (const pack of packsOf(readings, ({ tokens }) => tokens.length, most)) {
    scored.push(...(await scorePack(model, pack, o)));
  }
  return items.map((_, item) => {
    const own = scored.filter((reading) => reading.item === item);
    return {
      scores: own.map(({ score }) => score),
      flops: own.reduce((sum, reading) => sum + reading.flops, 0),
      denseFlops: own.reduce((sum, reading) => sum + reading.denseFlops, 0),
    };
  });
}

async function scorePack(
  model: LanguageModel,
  pack: readonly Reading[],
  { reduction, signal, line }: BatchOptions & PassOptions,
): Promise<Scored[]> {
  const inputs = pack.map(({ tokens }) => tokens);
  const { logits, vocabSize, offsets, kept } = await forward(model, inputs, { reduction, signal }, line);
  const scored: Scored[] = [];
  for (const [s, { item, continuation, tokens }] of pack.entries()) {
    const left = offsets[s + 1] - offsets[s];
    const labels = continuation.subarray(0, labelsLeft(continuation.length, left, tokens.length));
    const end = offsets[s + 1];
    const rows = logits.subarray((end - labels.length) * vocabSize, end * vocabSize);
    const counts = reduction?.name === 'ltmp' ? countsOf(kept, s) : undefined;
    const work = { length: tokens.length, reduction, counts, headRows: left };
    scored.push({
      item,
      score: scoreOf(await labelLogprobs(rows, labels)),
      flops: flops(model.config, work).total,
      denseFlops: flops(model.config, { length: tokens.length, headRows: tokens.length }).total,
    });
  }
  return scored;
}

/** How many of a continuation's labels there are rows for: `max(1, floor((1 - m) * length))`, m being the share of rows lost. */
function labelsLeft(length: number, left: number, before: number): number {
  const lost = 1 - left / before;
  return Math.min(left, Math.max(1, Math.floor((1 - lost) * length)));
}
