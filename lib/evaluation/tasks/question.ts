import { length } from '../../text/python';
import type { DataRecord } from '../records';
import type { Metric, SampleValues } from '../task';

/** A text, and what may follow it. */
export type Request = { context: string; continuation: string };

/** What a model is asked of one record. */
export type Question = {
  /** One for each choice, or one. */
  requests: Request[];
  /** The right one's index; of a question with choices. */
  gold?: number;
  /** Of the choices' texts, by which log-probabilities are divided. */
  lengths?: number[];
};

/** What comes of a request; more is in `Score`. */
export type Answer = { total: number; greedy: boolean };

/** A published task: where its records are, and what is asked and counted of each. */
export type LanguageTaskDefinition = {
  name: string;
  /** lm-evaluation-harness' own number of the task's rules. */
  version: string;
  /** The split that is scored, on the hub. */
  source: { id: string; files: RegExp };
  metrics: readonly Metric[];
  /** @throws SkipscanError `ERR_ARGUMENT` that names the record and the field that is wrong */
  question(record: DataRecord): Question;
  values(question: Question, answers: readonly Answer[]): SampleValues;
};

export const accuracy: Metric = { name: 'acc', aggregate: 'mean', better: 'higher', share: true };
export const normalizedAccuracy: Metric = { ...accuracy, name: 'acc_norm' };

/** A question with one context for all its choices. */
export function choicesOf(
  record: DataRecord,
  context: string,
  choices: readonly string[],
  gold: number,
): Question {
  const empty = choices.findIndex((choice) => choice.trim() === '');
  if (empty >= 0) throw record.error(`expected text in choice ${empty + 1} but found none.`);
  return {
    requests: choices.map((choice) => ({ context, continuation: ` ${choice}` })),
    gold,
    lengths: choices.map(length),
  };
}

/** The choice of the greatest log-probability, and of the greatest per character; of equal ones the first. */
export function choiceValues({ gold, lengths }: Question, answers: readonly Answer[]): SampleValues {
  const totals = answers.map(({ total }) => total);
  const right = (scores: readonly number[]) => Number(scores.indexOf(Math.max(...scores)) === gold);
  return {
    acc: right(totals),
    ...(lengths && { acc_norm: right(totals.map((total, i) => total / lengths[i])) }),
  };
}
