import { strip } from '../../text/python';
import { accuracy, choiceValues, type LanguageTaskDefinition } from './question';

/**
 * Which of two nouns a blank stands for. What is scored is the rest of the sentence after the blank, which is the same for both:
 * contexts differ, and the continuation says which of them it fits.
 */
export const winogrande: LanguageTaskDefinition = {
  name: 'winogrande',
  version: '1.0',
  source: { id: 'allenai/winogrande', files: /^winogrande_xl\/validation-\d{5}-of-\d{5}\.parquet$/ },
  metrics: [accuracy],
  question(record) {
    const sentence = record.text('sentence');
    const blank = sentence.indexOf('_');
    const rest = strip(sentence.slice(blank + 1));
    if (blank < 0) throw record.error("expected a blank '_' in the field sentence but found none.");
    if (rest === '') throw record.error("expected text after the blank '_' of the sentence but found none.");
    const answer = record.text('answer');
    if (answer !== '1' && answer !== '2') {
      throw record.error(`expected '1' or '2' in the field answer but found '${answer}'.`);
    }
    return {
      requests: [record.filled('option1'), record.filled('option2')].map((option) => ({
        context: sentence.slice(0, blank) + option,
        continuation: ` ${rest}`,
      })),
      gold: Number(answer) - 1,
    };
  },
  values: choiceValues,
};
