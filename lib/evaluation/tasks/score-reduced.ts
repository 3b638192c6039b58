import type { LanguageModel } from '../../models/language-model';
import type { ScoreOptions } from '../../models/score';
import { type ItemScores, type ScoreItem, scoreBatch } from '../../models/score-batch';
import { canMeet, type Policy } from '../../reduction';

/**
 * `scoreBatch`, where a context that is too short for the reduction to save as much as it is to is read with nothing removed: data
 * sets have contexts of a word or two, which are no reason to give up. FLOPs are counted as they were spent.
 */
export async function scoreReduced(
  model: LanguageModel,
  items: readonly ScoreItem[],
  { reduction, protocol, signal }: ScoreOptions,
): Promise<ItemScores[]> {
  const long = items.map((item) => !reduction || canReduce(model, item, reduction, protocol));
  const score = (some: readonly ScoreItem[], policy?: Policy) =>
    some.length > 0 ? scoreBatch(model, some, { reduction: policy, protocol, signal }) : [];
  const reduced = await score(
    items.filter((_, i) => long[i]),
    reduction,
  );
  const dense = await score(items.filter((_, i) => !long[i]));
  let [r, d] = [0, 0];
  return long.map((isLong) => (isLong ? reduced[r++] : dense[d++]));
}

/** What is reduced is the context, or with the protocol `'paper'` also each continuation but its last token. */
function canReduce(
  { config }: Pick<LanguageModel, 'config'>,
  { context, continuations }: ScoreItem,
  reduction: Policy,
  protocol: ScoreOptions['protocol'],
): boolean {
  if (protocol !== 'paper') return canMeet(reduction, config, context.length);
  return continuations.every(({ length }) => canMeet(reduction, config, context.length + length - 1));
}
