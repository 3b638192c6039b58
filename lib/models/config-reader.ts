import { describeJson, SkipscanError } from '../errors';

export type Json = Record<string, unknown>;

/** Of a vocabulary, a number of classes or a side. The engine counts with 32 bits, and adds a few of them up. */
const largestSize = 1 << 24;

/** Far above the widest model: workspaces are so many times larger than the weights that a small file could ask for one. */
export const largestWidth = 1 << 18;

/** Far above the deepest model, and small enough to have a few names for each before weights prove them. */
export const mostLayers = 4096;

/** Reads fields of a config.json, with errors that name the file and the field. */
export class ConfigReader {
  constructor(
    readonly file: string,
    private readonly values: Json,
    private readonly prefix = '',
  ) {}

  fail(field: string, expected: string, value: unknown): never {
    throw new SkipscanError(
      'ERR_CHECKPOINT',
      `${this.file}: expected ${expected} for ${this.prefix}${field} but found ${describeJson(value)}. ` +
        `Use the config.json that was published with these weights.`,
    );
  }

  has(field: string): boolean {
    return this.values[field] !== undefined && this.values[field] !== null;
  }

  /** A whole number from 1 to `max`; `fallback` where the field is absent. */
  size(field: string, fallback?: number, max = largestSize): number {
    return this.whole(field, 1, max, fallback);
  }

  /** `factor` times a field that is a whole number from 1; the product is a width too. */
  product(field: string, fallback: number, factor: number): number {
    return factor * this.size(field, fallback, Math.floor(largestWidth / factor));
  }

  whole(field: string, low: number, high: number, fallback?: number): number {
    const value = this.has(field) ? this.values[field] : fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
      this.fail(field, `a whole number from ${low} to ${high}`, value);
    }
    return value;
  }

  /** A whole number from 1 to `max`, or a list of `count` of them; a single one stands for all. */
  sizes(field: string, count: number, fallback?: readonly number[], max = largestSize): number[] {
    const value = this.has(field) ? this.values[field] : fallback;
    const list = Array.isArray(value) ? value : Array(count).fill(value);
    if (list.length !== count || !list.every((n) => Number.isInteger(n) && n >= 1 && n <= max)) {
      this.fail(field, `a whole number from 1 to ${max}, or ${count} of them,`, value);
    }
    return list;
  }

  /** Whole numbers from 0 to `max`, rising. */
  indices(field: string, max: number, fallback: readonly number[]): number[] {
    const value = this.has(field) ? this.values[field] : fallback;
    const rising = (list: unknown[]) =>
      list.every((n, i) => Number.isInteger(n) && (n as number) > (i === 0 ? -1 : (list[i - 1] as number)));
    if (!Array.isArray(value) || !rising(value) || (value.length > 0 && value.at(-1) > max)) {
      this.fail(field, `rising whole numbers from 0 to ${max}`, value);
    }
    return [...value];
  }

  number(field: string, fallback: number): number {
    const value = this.has(field) ? this.values[field] : fallback;
    if (typeof value !== 'number' || !Number.isFinite(value)) this.fail(field, 'a number', value);
    return value;
  }

  /** What a norm adds before the root: below 0 there is none. */
  epsilon(field: string, fallback: number): number {
    const value = this.number(field, fallback);
    if (value < 0 || value > 1) this.fail(field, 'a number from 0 to 1', value);
    return value;
  }

  flag(field: string, fallback: boolean): boolean {
    const value = this.has(field) ? this.values[field] : fallback;
    if (typeof value !== 'boolean') this.fail(field, 'true or false', value);
    return value;
  }

  object(field: string): ConfigReader {
    const value = this.has(field) ? this.values[field] : {};
    if (typeof value !== 'object' || Array.isArray(value)) this.fail(field, 'an object', value);
    return new ConfigReader(this.file, value as Json, `${this.prefix}${field}.`);
  }

  /** Fails when the field is there and is not one of `supported`: an architecture that this engine does not compute. */
  only(field: string, supported: readonly unknown[]): void {
    if (!this.has(field) || supported.includes(this.values[field])) return;
    throw new SkipscanError(
      'ERR_UNSUPPORTED',
      `${this.file}: ${this.prefix}${field} is ${describeJson(this.values[field])}; ` +
        `supported is ${supported.map((v) => JSON.stringify(v)).join(' or ')}.`,
    );
  }

  raw(field: string): unknown {
    return this.values[field];
  }

  tokenIds(field: string): number[] {
    return tokenIdsIn(this.values[field]);
  }
}

/** The token ids in a field that holds one or a list of them; what cannot be one is passed over. */
export function tokenIdsIn(value: unknown): number[] {
  return [value].flat().filter((id): id is number => Number.isSafeInteger(id) && (id as number) >= 0);
}
