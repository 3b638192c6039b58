import { imagenetSynsets, matchClasses } from '../../../lib/evaluation/class-names';

const labels = ['tench, Tinca tinca', 'goldfish', 'crane', 'great white shark', 'crane'];
const synsets = ['n01', 'n02', 'n03', 'n04', 'n05'];
const names = { numClasses: 5, labels, synsets };

test.each([
  ['labels', ['goldfish', 'tench, Tinca tinca'], 'label', [1, 0]],
  ['their first words, in any case, with _ for spaces', ['TENCH', 'Great_White_Shark'], 'label', [0, 3]],
  ['synset ids', ['n05', 'n03'], 'synset', [4, 2]],
  ['numbers, with zeros before them or not', ['004', '1', '0'], 'number', [4, 1, 0]],
])('%s', (_what, given, naming, classes) => {
  expect(matchClasses(given, names)).toEqual({ naming, classes });
});

test.each([
  ['an unknown name', ['goldfish', 'trout']],
  ['names of different kinds', ['goldfish', 'n01']],
  ['a name that two classes have', ['crane']],
  ['two names of one class', ['tench', 'tench, Tinca tinca']],
  ['a number that is too large', ['5']],
  ['what is not a whole number', ['-1', '1.0']],
])('%s matches nothing', (_what, given) => {
  expect(matchClasses(given, names)).toBeUndefined();
});

test('a whole label is meant before the first word of another', () => {
  const suits = { numClasses: 3, labels: ['maillot', 'maillot, tank suit', 'bikini, two-piece'] };
  expect(matchClasses(['maillot'], suits)?.classes).toEqual([0]);
  expect(matchClasses(['maillot, tank suit', 'bikini'], suits)?.classes).toEqual([1, 2]);
  expect(matchClasses(['tank suit'], suits)).toBeUndefined();
});

test('labels that are numbers are labels first', () => {
  const digits = { numClasses: 3, labels: ['2', '1', '0'] };
  expect(matchClasses(['0', '2'], digits)).toEqual({ naming: 'label', classes: [2, 0] });
});

test('synset ids of ImageNet-1K', async () => {
  const ids = await imagenetSynsets();
  expect(ids).toHaveLength(1000);
  expect(ids.every((id) => /^n\d{8}$/.test(id))).toBe(true);
  expect([...ids].sort()).toEqual(ids);
  expect([ids[0], ids[134], ids[517]]).toEqual(['n01440764', 'n02012849', 'n03126707']);
});
