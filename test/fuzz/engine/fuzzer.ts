import { Draw } from '../../helpers/random';
import { mutateBytes } from '../mutators/bytes';
import { limitAllocations } from './allocations';
import { checkPrototypes, expect } from './check';
import { Corpus } from './corpus';
import { Coverage } from './coverage';
import type { Target } from './target';

/** Larger inputs only take longer. */
const maxInputBytes = 1 << 13;

/** What a reader may allocate at once: room for its own tables, and so much for each byte of the input. */
const freeBytes = 1 << 16;
const bytesPerInputByte = 64;

/**
 * How long one input may take, in milliseconds. One that took longer is tried twice more, by the processor's time: the machine may have
 * been busy with something else.
 */
const maxMilliseconds = 1000;

/** A reader failed on an input. */
export class Finding extends Error {
  constructor(
    readonly input: Buffer,
    cause: unknown,
  ) {
    super(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause), { cause });
  }
}

/** Runs a target on inputs that it makes from those that reached something new. Throws a `Finding` on the first failure. */
export class Fuzzer {
  readonly corpus = new Corpus();
  readonly coverage = new Coverage();
  executions = 0;
  #begun = 0;
  #slowInARow = 0;
  readonly #draw: Draw;

  /**
   * @param started is told of every input before it runs, so that one that never ends is known
   */
  constructor(
    private readonly target: Target,
    seed: number,
    private readonly started: (input: Buffer) => void = () => {},
  ) {
    this.#draw = new Draw(seed);
  }

  /** Runs inputs as they are, and keeps those that reach something new. */
  async begin(inputs: readonly Buffer[]): Promise<void> {
    for (const input of inputs) await this.#execute(input);
    if (this.corpus.inputs.length === 0) this.corpus.add(Buffer.alloc(0));
  }

  /** Runs so many new inputs. */
  async fuzz(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const pending = this.#execute(this.#mutated());
      if (pending) await pending;
    }
  }

  /** What an input reaches. */
  async featuresOf(input: Buffer): Promise<number[]> {
    await this.#execute(input);
    return this.coverage.features();
  }

  /** Not an `async` function: most targets need none, and waiting costs more than they do. */
  #execute(input: Buffer): void | Promise<void> {
    this.started(input);
    this.executions++;
    this.#begun = this.#now();
    this.coverage.clear();
    limitAllocations(freeBytes + bytesPerInputByte * input.length);
    try {
      const pending = this.target.run(input);
      if (pending) {
        return pending.then(
          () => this.#executed(input),
          (error) => this.#failed(input, error),
        );
      }
    } catch (error) {
      this.#failed(input, error);
    }
    return this.#executed(input);
  }

  #executed(input: Buffer): void | Promise<void> {
    limitAllocations(Number.POSITIVE_INFINITY);
    const slow = this.#now() - this.#begun > maxMilliseconds;
    this.#slowInARow = slow ? this.#slowInARow + 1 : 0;
    if (slow && this.#slowInARow < 3) return this.#execute(input);
    try {
      expect(!slow, `an answer within ${maxMilliseconds} ms, which it failed to give three times`);
      checkPrototypes();
    } catch (error) {
      this.#failed(input, error);
    }
    if (this.coverage.update()) this.corpus.add(input);
  }

  #now(): number {
    if (this.#slowInARow === 0) return performance.now();
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }

  #failed(input: Buffer, error: unknown): never {
    limitAllocations(Number.POSITIVE_INFINITY);
    throw new Finding(input, error);
  }

  /** One of the corpus, changed once or a few times. */
  #mutated(): Buffer {
    const draw = this.#draw;
    let input = this.corpus.pick(draw);
    const { mutators } = this.target;
    for (let changes = 1 << draw.int(0, 2); changes > 0; changes--) {
      const mutate = mutators.length > 0 && draw.next() < 0.8 ? draw.pick(mutators) : mutateBytes;
      input = mutate(input, draw, this.corpus.pick(draw));
    }
    return input.length > maxInputBytes ? input.subarray(0, maxInputBytes) : input;
  }
}
