import { createHash } from 'node:crypto';
import path from 'node:path';
import { invalidArgument } from '../../errors';
import { checkTokens } from '../../models/arguments';
import type { LanguageModel } from '../../models/language-model';
import { type ScoreOptions, tokensOf } from '../../models/score';
import type { ScoreItem } from '../../models/score-batch';
import { type DataRecord, readRecords } from '../records';
import { savedOnPrompts } from '../saved-flops';
import type { Measured, Metric, Task } from '../task';
import { scoreItems } from './score-items';

export type ContinuationOptions = {
  /** Only so many records, the first ones. Defaults to all. */
  limit?: number;
  /** As in `LanguageModel.score`. */
  protocol?: ScoreOptions['protocol'];
};

const metrics: readonly Metric[] = [
  { name: 'acc', aggregate: 'mean', better: 'higher', share: true },
  { name: 'token_acc', aggregate: 'mean', better: 'higher', share: true },
  { name: 'logprob', aggregate: 'mean', better: 'higher', share: false },
];

/**
 * Whether a model continues contexts as it should: `acc`, the share of continuations of which every token is the most probable one;
 * `token_acc`, the share of a continuation's tokens that are; and `logprob`, the continuation's log-probability in nats.
 *
 * @param file JSONL, JSON or parquet: each record `{ "context": ..., "continuation": ... }`, both a string or an array of token ids;
 *   other fields and empty lines are passed over. Strings are tokenized by the rules of `LanguageModel.score`.
 * @throws SkipscanError `ERR_ARGUMENT` for a record that cannot be used, with file and line
 */
export async function continuationTask(
  model: LanguageModel,
  file: string,
  { limit, protocol }: ContinuationOptions = {},
): Promise<Task> {
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
    throw invalidArgument('limit', 'a whole number of records above 0', limit);
  }
  const items = (await readRecords([file], limit)).map((record) => itemOf(model, record));
  return {
    name: path.parse(file).name,
    samples: items.length,
    metrics,
    digest: digestOf(items, protocol),

    async measure(first, last, { reduction, signal }): Promise<Measured> {
      const scored = await scoreItems(model, items.slice(first, last), { reduction, protocol, signal });
      return {
        values: scored.map(({ scores: [{ logprobs, total, greedy, greedyTokens }] }) => ({
          acc: Number(greedy),
          token_acc: greedyTokens / logprobs.length,
          logprob: total,
        })),
        flops: scored.reduce((sum, item) => sum + item.flops, 0),
        denseFlops: scored.reduce((sum, item) => sum + item.denseFlops, 0),
      };
    },

    saved(reduction, { step = 1, signal } = {}) {
      const prompts = items.filter((_, i) => i % step === 0).map(({ context }) => context);
      return savedOnPrompts(model, prompts, reduction, signal);
    },
  };
}

function itemOf(model: LanguageModel, record: DataRecord): ScoreItem {
  const given = record.textOrNumbers('context');
  const expected = record.textOrNumbers('continuation');
  try {
    const [context, continuation] = tokensOf(model, given, expected);
    const { vocabRows } = model.config;
    return {
      context: checkTokens(context, 'context', vocabRows),
      continuations: [checkTokens(continuation, 'continuation', vocabRows)],
    };
  } catch (cause) {
    throw record.error((cause as Error).message);
  }
}

function digestOf(items: readonly ScoreItem[], protocol: ScoreOptions['protocol'] = 'prefill'): string {
  const hash = createHash('sha256').update(protocol);
  for (const {
    context,
    continuations: [continuation],
  } of items) {
    hash.update(`${context.length} ${continuation.length}\n`).update(context).update(continuation);
  }
  return hash.digest('hex');
}
