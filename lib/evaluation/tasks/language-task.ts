import { createHash, type Hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { SkipscanError } from '../../errors';
import { needTokenizer } from '../../models/arguments';
import type { LanguageModel } from '../../models/language-model';
import type { ScoreOptions } from '../../models/score';
import { type DataRecord, readRecords } from '../records';
import { savedOnPrompts } from '../saved-flops';
import type { Task } from '../task';
import { type DataOptions, dataFiles } from './data-files';
import { type QuestionItems, questionItems, window } from './items';
import type { LanguageTaskDefinition, Question } from './question';
import { definitionOf, type LanguageTaskName } from './registry';
import { scoreItems } from './score-items';

/** Where the samples of a language task come from, how many, and how a reduction is measured on them. */
export type LanguageTaskOptions = DataOptions & {
  /** Only so many records, the first ones. Defaults to all. */
  limit?: number;
  /** How a reduction is measured; as in `ScoreOptions`. Defaults to `'prefill'`. */
  protocol?: ScoreOptions['protocol'];
};

type Sample = Question & QuestionItems;

/**
 * One of the published language tasks, asked and scored as lm-evaluation-harness does, without examples in the prompt. All records
 * are read and cut into tokens first, so that what is wrong with any of them is known before the work begins.
 *
 * @throws SkipscanError `ERR_ARGUMENT` for a record that is not as expected, with its file and line; `ERR_CHECKPOINT` where the
 *   data set cannot be downloaded
 */
export async function languageTask(
  model: LanguageModel,
  name: LanguageTaskName,
  o: LanguageTaskOptions = {},
): Promise<Task> {
  const definition = definitionOf(name);
  const records = await readRecords(await dataFiles(definition, o), o.limit);
  return taskOfRecords(model, definition, records, o);
}

/** @internal */
export async function taskOfRecords(
  model: LanguageModel,
  definition: LanguageTaskDefinition,
  records: readonly DataRecord[],
  { protocol = 'prefill', signal }: Pick<LanguageTaskOptions, 'protocol' | 'signal'>,
): Promise<Task> {
  const { name, version, metrics } = definition;
  const hash = createHash('sha256').update(JSON.stringify({ name, version, protocol, window }));
  const samples: Sample[] = [];
  for (const record of records) {
    samples.push(sampleOf(model, definition, record, hash));
    if (samples.length % 64 === 0) await setImmediate(); // thousands of texts take a while, and an abort must come through
    signal?.throwIfAborted();
  }
  return {
    name,
    version,
    metrics,
    samples: samples.length,
    digest: hash.digest('hex'),
    async measure(first, last, { reduction, signal }) {
      const asked = samples.slice(first, last);
      const items = asked.flatMap((sample) => sample.items);
      const scored = await scoreItems(model, items, { reduction, protocol, signal });
      let start = 0;
      const values = asked.map((sample) => {
        const of = scored.slice(start, start + sample.items.length);
        start += sample.items.length;
        return definition.values(
          sample,
          sample.places.map(([item, continuation]) => of[item].scores[continuation]),
        );
      });
      const sum = (of: 'flops' | 'denseFlops') => scored.reduce((total, item) => total + item[of], 0);
      return { values, flops: sum('flops'), denseFlops: sum('denseFlops') };
    },

    saved(reduction, { step = 1, signal } = {}) {
      const some = samples.filter((_, i) => i % step === 0);
      const prompts = some.flatMap(({ items }) => items.map(({ context }) => context));
      return savedOnPrompts(model, prompts, reduction, signal);
    },
  };
}

function sampleOf(
  model: LanguageModel,
  definition: LanguageTaskDefinition,
  record: DataRecord,
  hash: Hash,
): Sample {
  const tokenizer = needTokenizer(model.tokenizer, model.source);
  const question = definition.question(record);
  const tokens = inRecord(record, () => questionItems(tokenizer, question));
  hash.update(JSON.stringify(question));
  for (const { context, continuations } of tokens.items) {
    for (const ids of [context, ...continuations]) hash.update(`${ids.length}:`).update(ids);
  }
  return { ...question, ...tokens };
}

/** What is wrong with a record's texts is told with where it is. */
function inRecord<T>(record: DataRecord, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof SkipscanError ? record.error(error.message) : error;
  }
}
