// Methods of Python's strings whose results differ from those of the JavaScript methods of the same purpose. Published evaluations
// prepare their texts with Python, and one space more or less is another token.

/** What Python calls whitespace. JavaScript has U+FEFF besides, and lacks U+001C to U+001F and U+0085. */
const space = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const leading = new RegExp(`^${space}+`);
const trailing = new RegExp(`${space}+$`);

/** `text.strip()`. */
export function strip(text: string): string {
  return rstrip(text).replace(leading, '');
}

/** `text.rstrip()`. */
export function rstrip(text: string): string {
  return text.replace(trailing, '');
}

/** `text.capitalize()`: the first letter in title case, all others in lower case. */
export function capitalize(text: string): string {
  const [first] = text; // a code point
  if (first === undefined) return '';
  // Lowered as one text, since a sigma's form follows from the letters before it.
  return titleCase(first) + text.toLowerCase().slice(first.toLowerCase().length);
}

/** `len(text)`: code points. */
export function length(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** The title case of one letter: its upper case but for ligatures, digraphs, iotas below and letters that have none. */
function titleCase(letter: string): string {
  const digraph = ['ǅ', 'ǈ', 'ǋ', 'ǲ'].find((title) => title.toLowerCase() === letter.toLowerCase());
  if (digraph) return digraph;
  if (/[\u10d0-\u10ff]/.test(letter)) return letter; // Georgian has capitals, but no text begins with one
  const decomposed = letter.normalize('NFD');
  if (decomposed.endsWith('\u0345')) {
    return (decomposed[0].toUpperCase() + decomposed.slice(1)).normalize('NFC');
  }
  const [first, ...rest] = letter.toUpperCase();
  const isCased = first.toLowerCase() !== first;
  return first + (isCased ? rest.join('').toLowerCase() : rest.join(''));
}
