import { invalidArgument } from '../errors';

/**
 * Watches text for stop strings. Text comes in pieces cut anywhere; it is given out as soon as it can no longer be part
 * of a stop string. The first stop string to become complete ends the text; of several that become complete with the
 * same character, the longest. The result does not depend on where the pieces were cut.
 */
export class StopMatcher {
  readonly #patterns: Pattern[];
  /** Text taken in but not given out: the longest ending that could be the beginning of a stop string. */
  #held = '';
  #stopped = false;

  /** Throws ERR_ARGUMENT unless `stops` is an array of non-empty strings. */
  constructor(stops: readonly string[]) {
    if (!Array.isArray(stops)) throw invalidArgument('stop', 'an array of strings', stops);
    for (const [i, stop] of stops.entries()) {
      if (typeof stop !== 'string' || stop === '')
        throw invalidArgument(`stop[${i}]`, 'a non-empty string', stop);
    }
    this.#patterns = stops.map((stop) => new Pattern(stop));
  }

  /** Takes the next piece. Once `stopped` is true, `text` ends right before the stop string and nothing follows. */
  feed(piece: string): { text: string; stopped: boolean } {
    if (this.#stopped) return { text: '', stopped: true };
    const text = this.#held + piece;
    let held = this.#held.length;
    for (let end = held + 1; end <= text.length; end++) {
      held = 0;
      let complete = 0;
      for (const pattern of this.#patterns) {
        const matched = pattern.advance(text.charCodeAt(end - 1));
        held = Math.max(held, matched);
        if (matched === pattern.length) complete = Math.max(complete, matched);
      }
      if (complete > 0) {
        this.#stopped = true;
        this.#held = '';
        return { text: text.slice(0, end - complete), stopped: true };
      }
    }
    this.#held = text.slice(text.length - held);
    return { text: text.slice(0, text.length - held), stopped: false };
  }

  /** Ends the text: gives what was held back, since no stop string became complete. */
  flush(): string {
    const rest = this.#held;
    this.#held = '';
    for (const pattern of this.#patterns) pattern.reset();
    return rest;
  }
}

/** Knuth-Morris-Pratt matching of one string, one UTF-16 code unit at a time. */
class Pattern {
  readonly #text: string;
  /** `#border[n]`: length of the longest proper prefix of the first `n` units that is also their suffix. */
  readonly #border: Int32Array;
  #matched = 0;

  constructor(text: string) {
    this.#text = text;
    this.#border = new Int32Array(text.length + 1);
    for (let i = 1; i < text.length; i++) {
      this.#border[i + 1] = this.#extend(this.#border[i], text.charCodeAt(i));
    }
  }

  get length(): number {
    return this.#text.length;
  }

  /** Takes the next unit; returns how many units at the end of the text so far begin this string. */
  advance(unit: number): number {
    this.#matched = this.#extend(this.#matched, unit);
    return this.#matched;
  }

  reset(): void {
    this.#matched = 0;
  }

  #extend(matched: number, unit: number): number {
    let length = matched;
    while (length > 0 && this.#text.charCodeAt(length) !== unit) length = this.#border[length];
    return this.#text.charCodeAt(length) === unit ? length + 1 : 0;
  }
}
