import { DataRecord } from '../../../lib/evaluation/records';
import { choiceValues } from '../../../lib/evaluation/tasks/question';
import { definitionOf, type LanguageTaskName } from '../../../lib/evaluation/tasks/registry';

const ask = (name: LanguageTaskName, fields: Record<string, unknown>) =>
  definitionOf(name).question(new DataRecord('a.jsonl:1', fields));
const choices = { text: ['sand', 'a rock'], label: ['A', 'B'] };

test.each<[LanguageTaskName, Record<string, unknown>, [string, string][], object]>([
  ['lambada_openai', { text: 'He lit  the lamp' }, [['He lit  the', ' lamp']], {}],
  ['lambada_openai', { text: 'lamp' }, [['', ' lamp']], {}],
  [
    'hellaswag',
    {
      activity_label: ' Baking',
      ctx_a: '[header] How to [title] bake.',
      ctx_b: 'THE Oven',
      endings: ['is  hot. [substeps] Wait.', ' [x]sings\n '],
      label: '1',
    },
    [
      ['Baking: How to. bake. The oven', ' is hot. Wait.'],
      ['Baking: How to. bake. The oven', ' sings'],
    ],
    { gold: 1, lengths: [13, 5] },
  ],
  [
    'piqa',
    { goal: 'Dry a book', sol1: 'Air it.', sol2: '🔥 it', label: 1 },
    [
      ['Question: Dry a book\nAnswer:', ' Air it.'],
      ['Question: Dry a book\nAnswer:', ' 🔥 it'],
    ],
    { gold: 1, lengths: [7, 4] },
  ],
  [
    'arc_challenge',
    { question: 'What is hard?', choices, answerKey: 'B' },
    [
      ['Question: What is hard?\nAnswer:', ' sand'],
      ['Question: What is hard?\nAnswer:', ' a rock'],
    ],
    { gold: 1, lengths: [4, 6] },
  ],
  [
    'winogrande',
    { sentence: 'It broke as _ was old. ', option1: 'it', option2: 'the cup', answer: '2' },
    [
      ['It broke as it', ' was old.'],
      ['It broke as the cup', ' was old.'],
    ],
    { gold: 1 },
  ],
])('%s asks %#', (name, fields, requests, rest) => {
  expect(ask(name, fields)).toEqual({
    requests: requests.map(([context, continuation]) => ({ context, continuation })),
    ...rest,
  });
});

test.each<[LanguageTaskName, Record<string, unknown>, string]>([
  ['lambada_openai', { text: 'ends in a space ' }, 'expected a last word in the field text'],
  [
    'hellaswag',
    { activity_label: '', ctx_a: 'a', ctx_b: 'b', endings: ['[x]'], label: '0' },
    'text in choice 1',
  ],
  [
    'hellaswag',
    { activity_label: '', ctx_a: 'a', ctx_b: 'b', endings: ['x'], label: '' },
    'in the field label but found ""',
  ],
  ['piqa', { goal: 'a', sol1: '', sol2: 'b', label: 0 }, 'expected text in choice 1 but found none.'],
  [
    'arc_easy',
    { question: 'a', choices, answerKey: 'C' },
    "the answer 'C' among them, but the labels are A, B.",
  ],
  [
    'arc_easy',
    { question: 'a', choices: { ...choices, label: ['A'] }, answerKey: 'A' },
    'a label for each of 2 choices',
  ],
  ['arc_easy', { question: 'a', choices: ['a'], answerKey: 'A' }, 'expected an object in the field choices'],
  ['winogrande', { sentence: 'no blank' }, "expected a blank '_'"],
  ['winogrande', { sentence: 'it ends with _ ' }, "expected text after the blank '_'"],
  ['winogrande', { sentence: 'a _ b', answer: '' }, "expected '1' or '2' in the field answer but found ''."],
])('%s: what is wrong with a record, %#', (name, fields, message) => {
  expect(() => ask(name, fields)).toThrow(message);
  expect(() => ask(name, fields)).toThrow(/^a.jsonl:1: /);
});

test('the first of equal choices is chosen; a length may turn the order round', () => {
  const answers = (...totals: number[]) => totals.map((total) => ({ total, greedy: false }));
  const values = (gold: number, ...totals: number[]) =>
    choiceValues({ requests: [], gold, lengths: [1, 4, 4] }, answers(...totals));
  expect(values(0, -2, -3, -2)).toEqual({ acc: 1, acc_norm: 0 });
  expect(values(2, -2, -3, -2)).toEqual({ acc: 0, acc_norm: 1 });
  expect(values(1, -2, -4, -4)).toEqual({ acc: 0, acc_norm: 1 });
  expect(choiceValues({ requests: [], gold: 1 }, answers(-2, -1))).toEqual({ acc: 1 });
});

test('a task that is not there', () => {
  expect(() => definitionOf('mmlu' as never)).toThrow(
    'Expected one of lambada_openai, hellaswag, piqa, arc_easy, arc_challenge, winogrande for the task but received "mmlu".',
  );
});
