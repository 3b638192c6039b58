import path from 'node:path';
import { DataRecord, readRecords } from '../../../lib/evaluation/records';
import { TemporaryDirectory } from '../../helpers/temporary';

const files = new TemporaryDirectory();
const fixtures = path.resolve(__dirname, '../../fixtures/tasks');
const texts = async (file: string, limit?: number) =>
  (await readRecords([file], limit)).map((record) => record.text('text'));
const line = (text: string) => JSON.stringify({ text });

test('lines of a JSONL file; empty ones, a mark of byte order and Windows line ends are passed over', async () => {
  const file = files.write('a.jsonl', `\ufeff${line('one')}\r\n\n  \n${line('zwei ü')}`);
  expect(await texts(file)).toEqual(['one', 'zwei ü']);
  expect((await readRecords([file]))[1].where).toBe(`${file}:4`);
});

test('a JSON file is an array of records, or has one a line', async () => {
  expect(await texts(files.write('a.json', `[\n${line('one')},\n${line('two')}\n]\n`))).toEqual([
    'one',
    'two',
  ]);
  expect(await texts(files.write('b.json', `${line('one')}\n${line('two')}\n`))).toEqual(['one', 'two']);
});

test('rows of parquet files, compressed in two ways, with lists, structs and whole numbers', async () => {
  const [row] = await readRecords([path.join(fixtures, 'parquet', 'arc_easy.parquet')]);
  expect(row.where).toMatch(/arc_easy.parquet, row 1$/);
  expect(row.inner('choices').texts('text')).toEqual(['the Moon', 'the Sun', 'a mirror', 'a window']);
  const rows = await readRecords([path.join(fixtures, 'parquet', 'hellaswag.parquet')]);
  expect(rows.map((ending) => ending.index('ind', 100))).toEqual([3, 8, 15, 21]);
  expect(rows[3].text('ctx_a')).toBe('A café owner wipes the counter, naïvely humming.');
});

test('a limit goes over all files, and what comes after it is not looked at', async () => {
  const first = files.write('1.jsonl', `${line('a')}\n${line('b')}\n`);
  const second = files.write('2.jsonl', `${line('c')}\nnot JSON\n`);
  const records = await readRecords([first, second, path.join(files.path, 'not there.jsonl')], 3);
  expect(records.map((record) => record.text('text'))).toEqual(['a', 'b', 'c']);
  const parquet = path.join(fixtures, 'parquet', 'hellaswag.parquet');
  expect(await readRecords([parquet], 2)).toHaveLength(2);
});

test.each<[string, string, string | Uint8Array, string]>([
  ['a line that is not JSON', 'x.jsonl', `${line('a')}\n{"text": \n`, '/x.jsonl:2: expected JSON but found'],
  ['a line that is no object', 'x.jsonl', `${line('a')}\n\n[1]\n`, '/x.jsonl:3: expected an object'],
  [
    'bytes that are not UTF-8',
    'x.jsonl',
    Buffer.from('{"text": "\xff"}\n', 'latin1'),
    '/x.jsonl:1: expected UTF-8',
  ],
  ['an array with a mistake', 'x.json', `[\n${line('a')},\n{"text" 3}\n]`, '/x.json:3: expected JSON'],
  ['an array that ends early', 'x.json', `[\n${line('a')},\n`, '/x.json:3: expected JSON'],
  ['an array of numbers', 'x.json', '[1, 2]', '/x.json, record 1: expected an object'],
  ['no records', 'x.jsonl', '\n\n', '/x.jsonl: expected at least one record but found none.'],
  ['what is no parquet', 'x.parquet', 'PAR1 and not much else', '/x.parquet: expected a parquet file'],
  ['an empty parquet file', 'x.parquet', '', '/x.parquet: expected a parquet file'],
  [
    'another kind of file',
    'x.csv',
    'text\na\n',
    '/x.csv: expected a file of records whose name ends in .jsonl',
  ],
])('%s is an error that says where', async (_what, name, contents, message) => {
  const file = files.write(name, contents);
  await expect(readRecords([file])).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining(message),
  });
});

test('a file that is not there', async () => {
  const file = path.join(files.path, 'missing.jsonl');
  await expect(readRecords([file])).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining(`${file} cannot be read: ENOENT`),
  });
});

describe('fields', () => {
  const record = new DataRecord('a.jsonl:7', {
    text: 'a',
    blank: ' ',
    none: null,
    number: 3,
    digits: '2',
    list: ['a', 'b'],
    mixed: ['a', 1],
    inner: { list: [] },
  });

  test('of the types that are asked for', () => {
    expect(record.text('blank')).toBe(' ');
    expect(record.filled('text')).toBe('a');
    expect(record.texts('list')).toEqual(['a', 'b']);
    expect([record.index('number', 4), record.index('digits', 3)]).toEqual([3, 2]);
  });

  test.each<[string, () => unknown, string]>([
    [
      'none',
      () => record.text('none'),
      'expected the field none, which is not there or null. Its fields: text, blank',
    ],
    ['not there', () => record.text('toString'), 'expected the field toString, which'],
    ['a number for text', () => record.text('number'), 'expected a string in the field number but found 3.'],
    ['blank', () => record.filled('blank'), 'expected text in the field blank but found " ".'],
    [
      'mixed',
      () => record.texts('mixed'),
      'expected a list of strings in the field mixed but found an array of 2.',
    ],
    ['too large', () => record.index('number', 3), 'expected a whole number from 0 to 2 in the field number'],
    ['no number', () => record.index('text', 3), 'in the field text but found "a".'],
    ['no object', () => record.inner('list'), 'expected an object in the field list'],
    [
      'an inner one',
      () => record.inner('inner').texts('list'),
      'in the field inner.list but found an array of 0.',
    ],
    [
      'a missing inner one',
      () => record.inner('inner').text('label'),
      'the field inner.label, which is not there or null. Its fields: inner.list.',
    ],
  ])('%s: an error with the place and the name', (_what, read, message) => {
    expect(read).toThrow(/^a.jsonl:7: expected /);
    expect(read).toThrow(message);
  });
});
