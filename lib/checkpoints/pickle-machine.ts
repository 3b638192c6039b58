/** What is wrong with a pickle, without the name of the file. */
export class PickleError extends Error {}

const maxIntegerBytes = 64;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes of a pickle, read from front to back; every read is checked against the end. */
export class PickleInput {
  #at = 0;

  constructor(private readonly data: Buffer) {}

  get position(): number {
    return this.#at;
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.data.length) {
      throw new PickleError(`it ends in the middle of a value (${end - this.data.length} bytes missing)`);
    }
    const taken = this.data.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  uint8(): number {
    return this.take(1)[0];
  }

  uint32(): number {
    return this.take(4).readUInt32LE();
  }

  uint64(): number {
    return Number(this.take(8).readBigUInt64LE());
  }

  text(length: number): string {
    const utf8 = this.take(length);
    try {
      return decoder.decode(utf8);
    } catch (cause) {
      throw new PickleError('a string is not UTF-8', { cause });
    }
  }

  /** Text up to a line feed, which is not part of it. */
  line(): string {
    const end = this.data.indexOf(0x0a, this.#at);
    if (end < 0) throw new PickleError('a name does not end');
    const line = this.text(end - this.#at);
    this.#at = end + 1;
    return line;
  }

  /** Two's complement, little-endian, any length; an empty one is 0. A bigint beyond 2^53. */
  integer(length: number): number | bigint {
    if (length > maxIntegerBytes) {
      throw new PickleError(`an integer has ${length} bytes; at most ${maxIntegerBytes} are read`);
    }
    if (length === 0) return 0;
    const bigEndian = Buffer.from(this.take(length)).reverse();
    const value = BigInt.asIntN(8 * length, BigInt(`0x${bigEndian.toString('hex')}`));
    const asNumber = Number(value);
    return Number.isSafeInteger(asNumber) ? asNumber : value;
  }
}

/** The values that a pickle has put together so far. */
export class PickleStack {
  #values: unknown[] = [];
  /** What lies below each mark, set aside so that no operation can reach it. */
  readonly #marked: unknown[][] = [];
  readonly #memo = new Map<number, unknown>();

  get top(): unknown {
    if (this.#values.length === 0) throw new PickleError('it takes a value from an empty stack');
    return this.#values[this.#values.length - 1];
  }

  push(value: unknown): void {
    this.#values.push(value);
  }

  pop(): unknown {
    const value = this.top;
    this.#values.pop();
    return value;
  }

  popMany(count: number): unknown[] {
    if (this.#values.length < count) throw new PickleError('it takes a value from an empty stack');
    return this.#values.splice(-count);
  }

  mark(): void {
    this.#marked.push(this.#values);
    this.#values = [];
  }

  /** Everything above the last mark. */
  popMark(): unknown[] {
    const items = this.#values;
    const below = this.#marked.pop();
    if (!below) throw new PickleError('it closes a group that it never opened');
    this.#values = below;
    return items;
  }

  /** Drops the value on top, or the mark when nothing lies above it. */
  drop(): void {
    if (this.#values.length > 0) this.#values.pop();
    else this.popMark();
  }

  memoize(index = this.#memo.size): void {
    this.#memo.set(index, this.top);
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw new PickleError(`it recalls value ${index}, which it never stored`);
    this.push(this.#memo.get(index));
  }
}
