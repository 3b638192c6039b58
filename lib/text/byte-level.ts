/** The splitting pattern of GPT-2, which a ByteLevel pre-tokenizer applies unless `use_regex` is false. */
const splitPattern = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * The byte that each character of a byte-level token stands for. Printable Latin-1 characters stand for their own code;
 * the remaining bytes, in rising order, are written as U+0100, U+0101, ...
 */
const byteOf: ReadonlyMap<string, number> = (() => {
  const map = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 0x100; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    map.set(String.fromCharCode(printable ? byte : next++), byte);
  }
  return map;
})();

/** The bytes of a token under a ByteLevel decoder; a token with any other character (an added token) is plain UTF-8. */
export function byteLevelBytes(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = byteOf.get(token[i]);
    if (byte === undefined) return Buffer.from(token, 'utf8');
    bytes[i] = byte;
  }
  return bytes;
}

/** The parts of a pre-tokenizer's description that matter here. */
export interface PreTokenizer {
  type: string;
  add_prefix_space?: boolean;
  use_regex?: boolean;
  pretokenizers?: PreTokenizer[];
}

/**
 * Says the same as `preTokenizer` with the pattern of every ByteLevel step written out as a Split step.
 *
 * The library compiles the pattern built into its ByteLevel step as a plain JavaScript expression, where `\s` has U+FEFF
 * and lacks U+0085. A Split step's pattern it translates, so that `\s` is Unicode white space, as the vocabulary's
 * training had it. A step that adds a prefix space stays as it is: the space must come before the split.
 */
export function writeOutSplit(preTokenizer: PreTokenizer | null): PreTokenizer | null {
  if (preTokenizer?.pretokenizers) {
    return { ...preTokenizer, pretokenizers: preTokenizer.pretokenizers.map((step) => writeOutSplit(step)!) };
  }
  if (
    preTokenizer?.type !== 'ByteLevel' ||
    preTokenizer.use_regex === false ||
    preTokenizer.add_prefix_space
  ) {
    return preTokenizer;
  }
  const split = { type: 'Split', pattern: { Regex: splitPattern }, behavior: 'Isolated', invert: false };
  return { type: 'Sequence', pretokenizers: [split, { ...preTokenizer, use_regex: false }] };
}
