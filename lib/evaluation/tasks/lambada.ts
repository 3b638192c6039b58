import { accuracy, type LanguageTaskDefinition } from './question';

/** The last word of a passage, given all others. */
export const lambadaOpenai: LanguageTaskDefinition = {
  name: 'lambada_openai',
  version: '1.0',
  source: { id: 'EleutherAI/lambada_openai', files: /^data\/lambada_test\.jsonl$/ },
  metrics: [{ name: 'perplexity', aggregate: 'perplexity', better: 'lower', share: false }, accuracy],
  question(record) {
    const text = record.text('text');
    const border = text.lastIndexOf(' ');
    const word = text.slice(border + 1);
    if (word === '') throw record.error('expected a last word in the field text, but it ends in a space.');
    return { requests: [{ context: text.slice(0, Math.max(0, border)), continuation: ` ${word}` }] };
  },
  values: (_question, [{ total, greedy }]) => ({ perplexity: total, acc: Number(greedy) }),
};
