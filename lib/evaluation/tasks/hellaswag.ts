import { capitalize, strip } from '../../text/python';
import {
  accuracy,
  choicesOf,
  choiceValues,
  type LanguageTaskDefinition,
  normalizedAccuracy,
} from './question';

/** How a description of an activity goes on: one of four endings. */
export const hellaswag: LanguageTaskDefinition = {
  name: 'hellaswag',
  version: '1.0',
  source: { id: 'Rowan/hellaswag', files: /^data\/validation-\d{5}-of-\d{5}\.parquet$/ },
  metrics: [accuracy, normalizedAccuracy],
  question(record) {
    const context = `${record.text('ctx_a')} ${capitalize(record.text('ctx_b'))}`;
    const endings = record.texts('endings').map(cleaned);
    const gold = record.index('label', endings.length);
    return choicesOf(record, cleaned(`${record.text('activity_label')}: ${context}`), endings, gold);
  },
  values: choiceValues,
};

/** Without the marks in brackets that WikiHow's articles have left. */
function cleaned(text: string): string {
  return strip(text)
    .replaceAll(' [title]', '. ')
    .replaceAll(/\[[^\n]*?\]/g, '')
    .replaceAll('  ', ' ');
}
