import {
  accuracy,
  choicesOf,
  choiceValues,
  type LanguageTaskDefinition,
  normalizedAccuracy,
} from './question';

/** Questions of school examinations, with three to five choices. */
function arc(name: string, folder: string): LanguageTaskDefinition {
  return {
    name,
    version: '1.0',
    source: {
      id: 'allenai/ai2_arc',
      files: new RegExp(`^${folder}/test-\\d{5}-of-\\d{5}\\.parquet$`),
    },
    metrics: [accuracy, normalizedAccuracy],
    question(record) {
      const choices = record.inner('choices');
      const texts = choices.texts('text');
      const labels = choices.texts('label');
      const key = record.text('answerKey');
      const gold = labels.indexOf(key);
      if (gold < 0 || labels.length !== texts.length) {
        throw record.error(
          `expected a label for each of ${texts.length} choices, and the answer '${key}' among them, but the labels are ` +
            `${labels.join(', ')}.`,
        );
      }
      return choicesOf(record, `Question: ${record.text('question')}\nAnswer:`, texts, gold);
    },
    values: choiceValues,
  };
}

export const arcEasy = arc('arc_easy', 'ARC-Easy');
export const arcChallenge = arc('arc_challenge', 'ARC-Challenge');
