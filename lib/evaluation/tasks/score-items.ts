import type { LanguageModel } from '../../models/language-model';
import { type BatchOptions, type ItemScores, type ScoreItem, scoreBatch } from '../../models/score-batch';
import { canMeet, resolvePolicy } from '../../reduction';
import { window } from './items';

/**
 * Scores items of any length. A data set has a few contexts of so few tokens that a policy cannot save what it is set to there, or
 * may remove none of them: those are read whole, and their FLOPs say so.
 *
 * @throws SkipscanError `ERR_ARGUMENT` where the policy does not even fit a long context
 */
export async function scoreItems(
  model: LanguageModel,
  items: readonly ScoreItem[],
  { reduction, ...o }: BatchOptions,
): Promise<ItemScores[]> {
  if (!reduction) return scoreBatch(model, items, o);
  const { config } = model;
  const lengths = items.map((item) => lengthsOf(item, o.protocol));
  resolvePolicy(reduction, config, Math.max(window, ...lengths.flat()));
  const reduced = lengths.map((own) => own.every((length) => canMeet(reduction, config, length)));
  const scores = new Array<ItemScores>(items.length);
  for (const part of [true, false]) {
    const places = [...items.keys()].filter((i) => reduced[i] === part);
    if (places.length === 0) continue;
    const some = places.map((i) => items[i]);
    const found = await scoreBatch(model, some, { ...o, ...(part && { reduction }) });
    for (const [i, place] of places.entries()) scores[place] = found[i];
  }
  return scores;
}

/** Of the sequences that are reduced. */
function lengthsOf({ context, continuations }: ScoreItem, protocol: BatchOptions['protocol']): number[] {
  return protocol === 'paper'
    ? continuations.map((tokens) => context.length + tokens.length - 1)
    : [context.length];
}
