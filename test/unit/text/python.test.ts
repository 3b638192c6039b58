import { capitalize, length, rstrip, strip } from '../../../lib/text/python';

// Expected values are Python's.
test.each([
  ['hELLO wORLD', 'Hello world'],
  ['', ''],
  ['1st', '1st'],
  [' leading', ' leading'],
  ['ßA', 'Ssa'],
  ['ﬁRST', 'First'],
  ['ŉx', 'ʼNx'],
  ['ǆ', 'ǅ'],
  ['ǇX', 'ǈx'],
  ['ᾳΣ', 'ᾼς'],
  ['ΑΣ', 'Ας'],
  ['ΑΣΑ', 'Ασα'],
  ['თბილისი', 'თბილისი'],
  ['İI', 'İi'],
  ['𐐨𐐀', '𐐀𐐨'],
])('capitalize(%j) is %j', (text, expected) => expect(capitalize(text)).toBe(expected));

test('what is stripped: the separators of files too, the mark of byte order not', () => {
  expect(strip('\x1c\x85 \u3000text\n\x1f')).toBe('text');
  expect(strip('\ufefftext\ufeff')).toBe('\ufefftext\ufeff');
  expect(rstrip(' a b \t')).toBe(' a b');
  expect(strip(' \n ')).toBe('');
});

test('a length counts code points', () => {
  expect(length('naïve 👍🏽')).toBe(8);
});
