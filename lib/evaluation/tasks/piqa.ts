import {
  accuracy,
  choicesOf,
  choiceValues,
  type LanguageTaskDefinition,
  normalizedAccuracy,
} from './question';

/** Which of two ways reaches a practical goal. */
export const piqa: LanguageTaskDefinition = {
  name: 'piqa',
  version: '1.0',
  source: {
    id: 'baber/piqa',
    files: /^(.*\/)?(piqa_)?validation(-\d{5}-of-\d{5})?\.(parquet|jsonl)$/,
  },
  metrics: [accuracy, normalizedAccuracy],
  question(record) {
    const context = `Question: ${record.text('goal')}\nAnswer:`;
    return choicesOf(record, context, [record.text('sol1'), record.text('sol2')], record.index('label', 2));
  },
  values: choiceValues,
};
