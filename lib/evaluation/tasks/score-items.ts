import { SkipscanError } from '../../errors';
import type { LanguageModel } from '../../models/language-model';
import { type BatchOptions, type ItemScores, type ScoreItem, scoreBatch } from '../../models/score-batch';
import { type Policy, resolvePolicy } from '../../reduction';
import { window } from './items';

/**
 * Scores items of any length. A data set has a few contexts of so few tokens that a policy cannot save what it is set to there, or
 * may remove none of them: those are read whole, and their FLOPs say so.
 *
 * @throws SkipscanError `ERR_ARGUMENT` where the policy does not even fit the longest context
 */
export async function scoreItems(
  model: LanguageModel,
  items: readonly ScoreItem[],
  { reduction, ...o }: BatchOptions,
): Promise<ItemScores[]> {
  if (!reduction) return scoreBatch(model, items, o);
  resolvePolicy(reduction, model.config, window);
  const reduced = items.map((item) =>
    lengthsOf(item, o.protocol).every((length) => isReducible(model, reduction, length)),
  );
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

/** Whether a policy that fits the model can work on a prompt of this length. */
export function isReducible(
  { config }: Pick<LanguageModel, 'config'>,
  policy: Policy,
  length: number,
): boolean {
  try {
    resolvePolicy(policy, config, length);
    return true;
  } catch (error) {
    if (error instanceof SkipscanError) return false;
    throw error;
  }
}

/** Of the sequences that are reduced. */
function lengthsOf({ context, continuations }: ScoreItem, protocol: BatchOptions['protocol']): number[] {
  return protocol === 'paper'
    ? continuations.map((tokens) => context.length + tokens.length - 1)
    : [context.length];
}
