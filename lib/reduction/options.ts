import { invalidArgument, mismatch, SkipscanError } from '../errors';

/** Reads and checks the options of one call. Every complaint names the option, the call and what was found. */
export class Options {
  readonly #call: string;
  readonly #prefix: string;
  readonly #values: Record<string, unknown>;

  /**
   * @param call the function that was called, such as `utrc()`
   * @param known every option that it has
   * @param prefix of the options' names: `hidden.` for those within `hidden`
   */
  constructor(call: string, values: unknown, known: readonly string[], prefix = '') {
    const owner = prefix ? `${prefix.slice(0, -1)} of ${call}` : `the options of ${call}`;
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      throw invalidArgument(owner, `an object with ${known.join(', ')}`, values);
    }
    const unknown = Object.keys(values).find((name) => !known.includes(name));
    if (unknown !== undefined) throw invalidArgument(owner, `only ${known.join(', ')}`, unknown);
    this.#call = call;
    this.#prefix = prefix;
    this.#values = values as Record<string, unknown>;
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  /** A number for which `accepts` holds; without `byDefault` it must be given. */
  number(name: string, expected: string, accepts: (value: number) => boolean, byDefault?: number): number {
    const value = this.#given(name, byDefault);
    if (typeof value !== 'number' || !accepts(value)) {
      throw invalidArgument(this.#label(name), expected, value);
    }
    return value;
  }

  /** A whole number from `low` to 2^53 - 1. */
  whole(name: string, low: number, byDefault?: number): number {
    const expected = `a whole number from ${low} to 2^53 - 1`;
    return this.number(name, expected, (n) => Number.isSafeInteger(n) && n >= low, byDefault);
  }

  choice<Value extends string>(name: string, values: readonly Value[], byDefault: Value): Value {
    const value = this.#given(name, byDefault) as Value;
    if (!values.includes(value)) {
      throw invalidArgument(this.#label(name), `one of '${values.join("', '")}'`, value);
    }
    return value;
  }

  flag(name: string, byDefault: boolean): boolean {
    const value = this.#given(name, byDefault);
    if (typeof value !== 'boolean') throw invalidArgument(this.#label(name), 'true or false', value);
    return value;
  }

  /** An array of whole numbers >= 0. */
  wholeNumbers(name: string, expected: string, byDefault?: readonly number[]): number[] {
    const value = this.#given(name, byDefault);
    if (!Array.isArray(value)) throw invalidArgument(this.#label(name), `an array of ${expected}`, value);
    const wrong = value.findIndex((n) => !Number.isSafeInteger(n) || n < 0);
    if (wrong >= 0) {
      throw invalidArgument(this.#label(`${name}[${wrong}]`), 'a whole number from 0', value[wrong]);
    }
    return [...value];
  }

  /** Height and width in pixels. */
  pixels(name: string, byDefault: readonly [number, number]): readonly [height: number, width: number] {
    const value = this.#given(name, byDefault);
    const isSide = (n: unknown) => Number.isSafeInteger(n) && (n as number) > 0;
    if (!Array.isArray(value) || value.length !== 2 || !value.every(isSide)) {
      throw invalidArgument(this.#label(name), '[height, width] in pixels', value);
    }
    return [value[0], value[1]];
  }

  /** The options within an option, none of which must be given. */
  within(name: string, known: readonly string[]): Options {
    return new Options(this.#call, this.#given(name, {}), known, `${name}.`);
  }

  /** An error about an option that needs its own words. */
  fail(name: string, expected: string, received: string, advice: string): SkipscanError {
    const { message } = mismatch(this.#label(name), expected, received);
    return new SkipscanError('ERR_ARGUMENT', `${message} ${advice}`);
  }

  /** Undefined counts as not given, null does not. */
  #given(name: string, byDefault: unknown): unknown {
    return this.#values[name] === undefined ? byDefault : this.#values[name];
  }

  #label(name: string): string {
    return `${this.#prefix}${name} of ${this.#call}`;
  }
}
