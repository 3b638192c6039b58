import { imagenetLabels, readLabels } from '../../../lib/vision/labels';
import { TemporaryDirectory } from '../../helpers/temporary';

const files = new TemporaryDirectory();
const read = (content: string, classes = 3) => readLabels(files.write('labels', content), classes);
const names = ['tench, Tinca tinca', 'goldfish', 'great white shark'];

test('the names that ship with the package are in the order of the models', async () => {
  const labels = await imagenetLabels();
  expect(labels).toHaveLength(1000);
  const at = { 0: 'tench, Tinca tinca', 134: 'crane', 281: 'tabby, tabby cat', 517: 'crane' };
  for (const [i, name] of Object.entries(at)) expect(labels[Number(i)]).toBe(name);
  expect(labels[999]).toBe('toilet tissue, toilet paper, bathroom tissue');
  expect(labels.every((label) => /^[A-Za-z]/.test(label) && !/^n\d{8}/.test(label))).toBe(true);
});

test.each<[string, string]>([
  ['lines', names.join('\n')],
  ['lines of Windows, and a last line end', `${names.join('\r\n')}\r\n`],
  ['synset ids and a tab', names.map((name, i) => `n0144076${i}\t${name}`).join('\n')],
  ['synset ids and a blank', names.map((name, i) => `n0144076${i} ${name}`).join('\n')],
  ['a JSON array', JSON.stringify(names)],
  ['a JSON object, in any order', JSON.stringify({ '2': names[2], '0': names[0], '1': names[1] }, null, 1)],
])('%s', async (_what, content) => {
  expect(await read(content)).toEqual(names);
});

test('an empty line within stands for a class without a name', async () => {
  expect(await read('a\n\nc\n')).toEqual(['a', '', 'c']);
});

test.each<[string, string, string]>([
  [
    'too few lines',
    'a\nb\n',
    'Expected 3 labels, one for each class of the model, for LABELS but received 2.',
  ],
  [
    'too long an array',
    '["a","b","c","d"]',
    'Expected 3 labels, one for each class of the model, for LABELS but received 4.',
  ],
  ['nothing', '\n', 'Expected 3 labels, one for each class of the model, for LABELS but received 0.'],
  [
    'a missing key',
    '{"0":"a","1":"b","3":"d"}',
    'Expected keys "0" to "2" for LABELS but received an object without "2".',
  ],
  ['what is no string', '["a", 7, "c"]', 'Expected a string for label 1 of LABELS but received 7.'],
])('%s', async (_what, content, message) => {
  const file = files.write('bad', content);
  await expect(readLabels(file, 3)).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: message.replace('LABELS', file),
  });
});

test('broken JSON and a missing file', async () => {
  await expect(read('["a",')).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringMatching(/labels is not JSON: /),
  });
  await expect(readLabels('no/such', 3)).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringMatching(/^The labels no\/such cannot be read: ENOENT/),
  });
});
