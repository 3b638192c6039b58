import { parseJson, readJsonObject } from '../../../lib/checkpoints/json';
import { checkpointError } from '../../helpers/rejection';
import { TemporaryDirectory } from '../../helpers/temporary';

const temporary = new TemporaryDirectory();

describe('parseJson', () => {
  test.each([
    '{"a": [1, -2.5e-3, 0, 1E+2], "b": {"c": null, "d": [true, false]}, "": ""}',
    '"\\u00e9 \\ud83d\\ude00 \\\\ \\" \\/ \\n"',
    ' [ ] ',
    '{}',
    '12',
  ])('agrees with JSON.parse on %s', (text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  test('reads the bare numbers that Python writes, and leaves strings alone', () => {
    expect(parseJson('{"a": Infinity, "b": [-Infinity, NaN], "c": "Infinity, NaN"}')).toEqual({
      a: Number.POSITIVE_INFINITY,
      b: [Number.NEGATIVE_INFINITY, Number.NaN],
      c: 'Infinity, NaN',
    });
  });

  test('treats __proto__ as a key like any other', () => {
    const value = parseJson('{"__proto__": {"polluted": true}}') as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect('polluted' in {}).toBe(false);
  });

  test.each([
    ['a repeated key', '{"a": 1,\n "b": 2, "a": 3}', 'the key "a" occurs twice at line 2, column 13'],
    ['a repeated key, escaped', '{"a": 1, "\\u0061": 3}', 'the key "a" occurs twice'],
    ['a cut object', '{"a": 1', 'expected "," or "}" at line 1, column 8 (the text ends there)'],
    ['a cut string', '{"a', 'a string does not end'],
    ['a cut escape', '"a\\"', 'a string does not end'],
    ['a bad escape', '"\\x"', 'a string holds a bad escape or a control character'],
    ['a control character', '"a\nb"', 'a string holds a bad escape or a control character'],
    ['a trailing comma', '[1,]', 'expected a value at line 1, column 4'],
    ['a trailing comma in an object', '{"a":1,}', 'expected a key in double quotes'],
    ['a missing colon', '{"a" 1}', 'expected ":" after a key'],
    ['a leading zero', '[01]', 'expected "," or "]"'],
    ['text after the value', '{} x', 'there is text after the value at line 1, column 4'],
    ['nothing', '', 'expected a value at line 1, column 1 (the text ends there)'],
    ['deep nesting', '['.repeat(100_000), 'values are nested more than 64 deep'],
    ['very many values', `[${'0,'.repeat(2_000_001)}0]`, 'there are more than 2000000 values'],
  ])('refuses %s', (_what, text, message) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
    expect(() => parseJson(text)).toThrow(message);
  });
});

describe('readJsonObject', () => {
  test.each([
    [
      'config.json',
      '{"a": tru}',
      'config.json: the file is not valid JSON: expected a value at line 1, column 7.',
    ],
    ['list.json', '[1]', 'list.json: the file holds an array; expected a JSON object.'],
    ['null.json', 'null', 'null.json: the file holds null; expected a JSON object.'],
    [
      'latin1.json',
      Buffer.from('7b2261223a22e9227d', 'hex'),
      'latin1.json: the file is not valid JSON: it is not UTF-8 text.',
    ],
    [
      'large.json',
      Buffer.alloc((16 << 20) + 1, ' '),
      'large.json: the file has 16,777,217 bytes; at most 16,777,216 bytes',
    ],
  ])('names the file: %s', async (name, content, message) => {
    expect(await checkpointError(readJsonObject(temporary.write(name, content)))).toContain(message);
  });

  test('names a missing file', async () => {
    expect(await checkpointError(readJsonObject('/nowhere/config.json'))).toBe(
      '/nowhere/config.json: the file does not exist.',
    );
  });
});
