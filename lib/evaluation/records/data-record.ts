import { describe, SkipscanError, shorten } from '../../errors';

/** One row of a data set. Its readers say which field of which row is not as expected. */
export class DataRecord {
  /**
   * @param where the file and the line or row, for errors
   * @param fields the values of the row by name
   * @param prefix of these names in errors
   */
  constructor(
    readonly where: string,
    private readonly fields: Readonly<Record<string, unknown>>,
    private readonly prefix = '',
  ) {}

  /** A string, empty or not. */
  text(name: string): string {
    const value = this.#value(name);
    if (typeof value === 'string') return value;
    throw this.#wrong(name, 'a string', value);
  }

  /** A string that has more than spaces in it. */
  filled(name: string): string {
    const value = this.text(name);
    if (value.trim() !== '') return value;
    throw this.#wrong(name, 'text', value);
  }

  /** Strings, at least one. */
  texts(name: string): string[] {
    const value = this.#value(name);
    const isTexts =
      Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');
    if (isTexts) return value;
    throw this.#wrong(name, 'a list of strings', value);
  }

  /** A string, or a list of numbers. */
  textOrNumbers(name: string): string | number[] {
    const value = this.#value(name);
    const isNumbers = Array.isArray(value) && value.every((item) => typeof item === 'number');
    if (typeof value === 'string' || isNumbers) return value;
    throw this.#wrong(name, 'a string or a list of numbers', value);
  }

  /** A whole number from 0 up to `below`, as a number or as its digits. */
  index(name: string, below: number): number {
    const value = this.#value(name);
    const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    if (Number.isInteger(number) && (number as number) >= 0 && (number as number) < below)
      return number as number;
    throw this.#wrong(name, `a whole number from 0 to ${below - 1}`, value);
  }

  /** The fields of an object. */
  inner(name: string): DataRecord {
    const value = this.#value(name);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return new DataRecord(this.where, value as Record<string, unknown>, `${this.prefix}${name}.`);
    }
    throw this.#wrong(name, 'an object', value);
  }

  /** The error that this row is not what it should be. */
  error(problem: string): SkipscanError {
    return new SkipscanError('ERR_ARGUMENT', `${this.where}: ${problem}`);
  }

  #value(name: string): unknown {
    const value = Object.hasOwn(this.fields, name) ? this.fields[name] : undefined;
    if (value !== undefined && value !== null) return value;
    const names = Object.keys(this.fields).map((key) => this.prefix + key);
    throw this.error(
      `expected the field ${this.prefix}${name}, which is not there or null. Its fields: ${shorten(names.join(', '), 500) || 'none'}.`,
    );
  }

  #wrong(name: string, expected: string, value: unknown): SkipscanError {
    return this.error(
      `expected ${expected} in the field ${this.prefix}${name} but found ${describe(value)}.`,
    );
  }
}
