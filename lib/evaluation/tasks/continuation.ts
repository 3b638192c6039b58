import { createHash } from 'node:crypto';
import path from 'node:path';
import { describe, invalidArgument, mismatch, SkipscanError } from '../../errors';
import { checkTokens } from '../../models/arguments';
import type { LanguageModel } from '../../models/language-model';
import { type ScoreOptions, tokensOf } from '../../models/score';
import { type ScoreItem, scoreBatch } from '../../models/score-batch';
import { savedOnPrompts } from '../saved-flops';
import type { Measured, Metric, Task } from '../task';
import { readText } from './read-text';

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
 * @param file JSONL: each line `{ "context": ..., "continuation": ... }`, both a string or an array of token ids; other fields and
 *   empty lines are passed over. Strings are tokenized by the rules of `LanguageModel.score`.
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
  const items = (await readRecords(file))
    .slice(0, limit)
    .map(({ line, record }) => itemOf(model, `${file}:${line}`, record));
  if (items.length === 0) throw mismatch(file, 'at least one record', 'none');

  return {
    name: path.parse(file).name,
    samples: items.length,
    metrics,
    digest: digestOf(items, protocol),

    async measure(first, last, { reduction, signal }): Promise<Measured> {
      const scored = await scoreBatch(model, items.slice(first, last), { reduction, protocol, signal });
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

type Side = string | number[];
type JsonRecord = { context: Side; continuation: Side };

async function readRecords(file: string): Promise<{ line: number; record: JsonRecord }[]> {
  const lines = (await readText(file)).split('\n');
  return lines.flatMap((text, i) =>
    text.trim() === '' ? [] : [{ line: i + 1, record: parseRecord(`${file}:${i + 1}`, text) }],
  );
}

/** @param at the file and the line, for errors */
function parseRecord(at: string, text: string): JsonRecord {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw badRecord(at, `expected a JSON object but found ${describe(text)}`, cause);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw badRecord(at, `expected a JSON object but found ${describe(json)}`);
  }
  const { context, continuation } = json as JsonRecord;
  for (const [name, side] of Object.entries({ context, continuation })) {
    if (typeof side === 'string' || Array.isArray(side)) continue;
    throw badRecord(at, `expected a string or an array of token ids for ${name} but found ${describe(side)}`);
  }
  return { context, continuation };
}

function itemOf(model: LanguageModel, at: string, record: JsonRecord): ScoreItem {
  try {
    const [context, continuation] = tokensOf(model, record.context, record.continuation);
    const { vocabRows } = model.config;
    return {
      context: checkTokens(context, 'context', vocabRows),
      continuations: [checkTokens(continuation, 'continuation', vocabRows)],
    };
  } catch (cause) {
    throw new SkipscanError('ERR_ARGUMENT', `${at}: ${(cause as Error).message}`, { cause });
  }
}

function badRecord(at: string, problem: string, cause?: unknown): SkipscanError {
  return new SkipscanError(
    'ERR_ARGUMENT',
    `${at}: ${problem}. A record is { "context": ..., "continuation": ... } in one line.`,
    { cause },
  );
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
