import { badCheckpoint, describe } from '../errors';
import { bytes, withFile } from './files';

/**
 * JSON as model files use it. Unlike `JSON.parse` it refuses an object that names a key twice (in a header, two claims
 * about one tensor), reads the bare `Infinity`, `-Infinity` and `NaN` that Python's writer emits, and bounds how
 * deep and how many values are.
 *
 * @throws SyntaxError with the line and column of what is wrong.
 */
export function parseJson(text: string): unknown {
  return new Parser(text).document();
}

/** Reads a JSON file whose outermost value must be an object; refuses files above `maxBytes` before reading them. */
export async function readJsonObject(file: string, maxBytes = 16 << 20): Promise<Record<string, unknown>> {
  return withFile(file, async ({ size, read }) => {
    if (size > maxBytes) {
      throw badCheckpoint(
        file,
        `the file has ${bytes(size)}; at most ${bytes(maxBytes)} were expected of it.`,
      );
    }
    return decodeJsonObject(await read(0, size, 'the text'), file);
  });
}

/** Parses UTF-8 bytes of `file` that must hold one JSON object; `what` names them in errors. */
export function decodeJsonObject(data: Uint8Array, file: string, what = 'the file'): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch (cause) {
    const problem = cause instanceof SyntaxError ? cause.message : 'it is not UTF-8 text';
    throw badCheckpoint(file, `${what} is not valid JSON: ${problem}.`, { cause });
  }
  if (!isRecord(value)) throw badCheckpoint(file, `${what} holds ${kind(value)}; expected a JSON object.`);
  return value;
}

/** True for a JSON object (not null, not an array). */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kind(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}

/** Together they bound stack and memory: an empty array is two characters of text, but many more bytes of memory. */
const maxDepth = 64;
const maxValues = 2_000_000;

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const words = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

class Parser {
  #at = 0;
  #values = 0;

  constructor(private readonly text: string) {}

  document(): unknown {
    const value = this.#value(0);
    if (this.#peek() !== undefined) this.#fail('there is text after the value');
    return value;
  }

  #value(depth: number): unknown {
    if (depth > maxDepth) this.#fail(`values are nested more than ${maxDepth} deep`);
    if (++this.#values > maxValues) this.#fail(`there are more than ${maxValues} values`);
    const next = this.#peek();
    if (next === '{') return this.#object(depth);
    if (next === '[') return this.#array(depth);
    if (next === '"') return this.#string();
    return this.#number() ?? this.#word();
  }

  #object(depth: number): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    this.#at++;
    for (let more = !this.#skip('}'); more; more = this.#another('}')) {
      if (this.#peek() !== '"') this.#fail('expected a key in double quotes');
      const key = this.#string();
      if (entries.has(key)) this.#fail(`the key ${describe(key)} occurs twice`);
      if (!this.#skip(':')) this.#fail('expected ":" after a key');
      entries.set(key, this.#value(depth + 1));
    }
    // fromEntries defines own properties, so a key `__proto__` is data like any other.
    return Object.fromEntries(entries);
  }

  #array(depth: number): unknown[] {
    const items: unknown[] = [];
    this.#at++;
    for (let more = !this.#skip(']'); more; more = this.#another(']')) items.push(this.#value(depth + 1));
    return items;
  }

  /** After an element: true when a comma announces another one, false at the closing bracket. */
  #another(close: string): boolean {
    if (this.#skip(',')) return true;
    if (!this.#skip(close)) this.#fail(`expected "," or "${close}"`);
    return false;
  }

  /** Finds the closing quote; `JSON.parse` then judges escapes and control characters. */
  #string(): string {
    const start = this.#at;
    let end = start;
    let escaped: boolean;
    do {
      end = this.text.indexOf('"', end + 1);
      if (end < 0) this.#fail('a string does not end');
      let slash = end;
      while (this.text[slash - 1] === '\\') slash--;
      escaped = (end - slash) % 2 === 1;
    } while (escaped);
    this.#at = end + 1;
    try {
      return JSON.parse(this.text.slice(start, end + 1));
    } catch {
      this.#at = start;
      return this.#fail('a string holds a bad escape or a control character');
    }
  }

  #number(): number | undefined {
    number.lastIndex = this.#at;
    const found = number.exec(this.text)?.[0];
    if (found === undefined) return undefined;
    this.#at += found.length;
    return Number(found);
  }

  #word(): unknown {
    for (const [word, value] of words) {
      if (this.text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    return this.#fail('expected a value');
  }

  /** The next character that is not white space, left in place; undefined at the end of the text. */
  #peek(): string | undefined {
    for (;;) {
      const next = this.text[this.#at];
      if (next !== ' ' && next !== '\n' && next !== '\r' && next !== '\t') return next;
      this.#at++;
    }
  }

  #skip(expected: string): boolean {
    const found = this.#peek() === expected;
    if (found) this.#at++;
    return found;
  }

  #fail(problem: string): never {
    let line = 1;
    let start = 0;
    for (
      let end = this.text.indexOf('\n');
      end >= 0 && end < this.#at;
      end = this.text.indexOf('\n', start)
    ) {
      line++;
      start = end + 1;
    }
    const column = this.#at - start + 1;
    const ended = this.#at >= this.text.length ? ' (the text ends there)' : '';
    throw new SyntaxError(`${problem} at line ${line}, column ${column}${ended}`);
  }
}
