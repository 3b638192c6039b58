import { StopMatcher } from '../../../lib/text';
import { integers } from './fixtures';

/** Feeds pieces until one stops; the text given out, and whether a stop string ended it. */
function run(stops: string[], pieces: string[]): { text: string; stopped: boolean } {
  const matcher = new StopMatcher(stops);
  let text = '';
  for (const piece of pieces) {
    const fed = matcher.feed(piece);
    text += fed.text;
    if (fed.stopped) return { text, stopped: true };
  }
  return { text: text + matcher.flush(), stopped: false };
}

/** The definition: the first end at which a stop string ends, and the longest of those that end there. */
function search(stops: string[], text: string): { text: string; stopped: boolean } {
  for (let end = 1; end <= text.length; end++) {
    const ending = stops.filter((stop) => text.slice(0, end).endsWith(stop));
    const longest = Math.max(...ending.map((stop) => stop.length));
    if (ending.length > 0) return { text: text.slice(0, end - longest), stopped: true };
  }
  return { text, stopped: false };
}

describe('StopMatcher', () => {
  it.each([
    ['inside one piece', ['END'], ['one END two'], 'one ', true],
    ['across pieces', ['</s>'], ['one <', '/', 's', '> two'], 'one ', true],
    ['at the very start', ['one'], ['o', 'ne two'], '', true],
    ['after a false start', ['aab'], ['aaa', 'ab'], 'aa', true],
    [
      'when a prefix of another stop string comes first',
      ['stop here', 'stop'],
      ['please stop here'],
      'please ',
      true,
    ],
    ['inside an unfinished longer one', ['abcd', 'bc'], ['a', 'b', 'c', 'd'], 'a', true],
    ['as the longest of those that end together', ['b', 'ab'], ['xa', 'b'], 'x', true],
    ['never', ['END'], ['one EN', 'D'.toLowerCase()], 'one ENd', false],
    ['never, ending in half a stop string', ['END'], ['one E', 'N'], 'one EN', false],
    ['never without stop strings', [], ['one', ' two'], 'one two', false],
  ])('stops %s', (_, stops, pieces, text, stopped) => {
    expect(run(stops, pieces)).toEqual({ text, stopped });
  });

  it('gives text out as soon as it cannot be part of a stop string', () => {
    const matcher = new StopMatcher(['\n\n', 'User:']);
    const fed = ['Hi', ' Us', 'a', '\n', 'User', ' x'].map((piece) => matcher.feed(piece).text);
    expect(fed).toEqual(['Hi', ' ', 'Usa', '', '\n', 'User x']);
  });

  it('gives nothing after it stopped', () => {
    const matcher = new StopMatcher(['.']);
    expect(matcher.feed('a.b')).toEqual({ text: 'a', stopped: true });
    expect(matcher.feed('c')).toEqual({ text: '', stopped: true });
    expect(matcher.flush()).toBe('');
  });

  it('keeps surrogate pairs whole', () => {
    const matcher = new StopMatcher(['😀!']);
    expect(matcher.feed('a😁').text).toBe('a😁');
    expect(matcher.feed('😀').text).toBe('');
    expect(matcher.feed('?').text).toBe('😀?');
  });

  it('finds what a search of the whole text finds, however it is cut', () => {
    const below = integers(3);
    const word = (longest: number) =>
      Array.from({ length: 1 + below(longest) }, () => 'ab-'[below(3)]).join('');
    let stops = 0;
    for (let round = 0; round < 2000; round++) {
      const strings = Array.from({ length: below(4) }, () => word(6));
      const pieces = Array.from({ length: below(10) }, () => word(4));
      const expected = search(strings, pieces.join(''));
      expect(run(strings, pieces)).toEqual(expected);
      if (expected.stopped) stops++;
    }
    expect(stops).toBeGreaterThan(500);
    expect(stops).toBeLessThan(1900);
  });

  it.each([
    ['END', 'Expected an array of strings for stop but received "END".'],
    [['a', ''], 'Expected a non-empty string for stop[1] but received "".'],
    [[7], 'Expected a non-empty string for stop[0] but received 7.'],
  ])('refuses %j', (stops, message) => {
    expect(() => new StopMatcher(stops as string[])).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT', message }),
    );
  });
});
