import { onAbort } from './cancel';
import { SkipscanError } from './errors';

/** The calls on one model: it has one workspace and one set of threads, so it computes one at a time. */
export type QueueStatus = {
  /** Calls that are computed now: 0 or 1. */
  running: number;
  /** Calls that wait for their turn, or whose images are being decoded. */
  waiting: number;
  /** How many may wait before new ones are refused: the option `maxQueue`. */
  limit: number;
};

/**
 * What a job is to the limit. `new` work is refused where too much waits; what `goes on` with work that was let in is not, but
 * counts; `upkeep`, such as giving memory back, is neither refused nor counted.
 */
export type JobKind = 'new' | 'going on' | 'upkeep';

/** Runs jobs in turn. */
export type Runner = {
  run<T>(job: () => Promise<T>, o?: { signal?: AbortSignal }): Promise<T>;
};

type Waiting = { counted: boolean; start: () => void };

/**
 * Runs asynchronous jobs one after another, in the order they came, and refuses new ones when too many wait. Loops that add a job
 * whenever one of theirs has ended take turns by that.
 */
export class Queue implements Runner {
  readonly limit: number;
  readonly #line = new Set<Waiting>();
  readonly #wantRoom = new Set<{ granted: () => void; refused: (reason: unknown) => void }>();
  #current?: Waiting;
  #waiting = 0;
  /** Places of `reserve()`. */
  #reserved = 0;
  /** What `room()` has promised in this turn of the event loop. */
  #promised = 0;
  #closed?: SkipscanError;

  /** @param limit how many jobs may wait */
  constructor(limit: number) {
    this.limit = limit;
  }

  status(): QueueStatus {
    return { running: this.#running, waiting: this.#waiting + this.#reserved, limit: this.limit };
  }

  /**
   * Runs `job` when all earlier ones have ended. When `signal` aborts before that, the job leaves the line at once and never runs.
   *
   * @throws SkipscanError `ERR_BUSY` for new work where too much waits; the signal's reason
   */
  run<T>(
    job: () => Promise<T>,
    { signal, kind = 'new' }: { signal?: AbortSignal; kind?: JobKind } = {},
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (kind === 'new') this.#refuseIfFull();
      const waiting: Waiting = {
        counted: kind !== 'upkeep',
        start: () => {
          stay();
          const end = (settle: () => void) => {
            this.#end(); // before the caller hears of it, who may find the queue full otherwise
            settle();
          };
          startJob(job).then(
            (value) => end(() => resolve(value)),
            (error) => end(() => reject(error)),
          );
        },
      };
      const stay = onAbort(signal, () => {
        this.#remove(waiting);
        reject(signal?.reason);
        this.#grantRoom();
      });
      this.#line.add(waiting);
      if (waiting.counted) this.#waiting += 1;
      this.#startNext();
    });
  }

  /**
   * A place in the line for work whose first job is not ready yet, or that comes in several jobs, none of which is then refused.
   *
   * @throws SkipscanError `ERR_BUSY` where too much waits
   */
  reserve(): Place {
    this.#refuseIfFull();
    this.#reserved += 1;
    return new Place(this, () => {
      this.#reserved -= 1;
      this.#grantRoom();
    });
  }

  /**
   * Resolves when one more new job would be let in. Each that waits for this gets room of its own, in the order they came, and has it
   * until the event loop turns.
   */
  room(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#closed) throw this.#closed;
      const entry = {
        granted: () => {
          stay();
          resolve();
        },
        refused: (reason: unknown) => {
          stay();
          reject(reason);
        },
      };
      const stay = onAbort(signal, () => {
        this.#wantRoom.delete(entry);
        reject(signal?.reason);
      });
      this.#wantRoom.add(entry);
      this.#grantRoom();
    });
  }

  /** Lets nobody wait for room any more. */
  close(reason: SkipscanError): void {
    this.#closed = reason;
    for (const entry of this.#wantRoom) entry.refused(reason);
    this.#wantRoom.clear();
  }

  get #running(): number {
    return this.#current?.counted ? 1 : 0;
  }

  /** One computes and `limit` wait. */
  get #taken(): number {
    return this.#running + this.#waiting + this.#reserved;
  }

  #refuseIfFull(): void {
    if (this.#taken <= this.limit) return;
    const { waiting } = this.status();
    throw new SkipscanError(
      'ERR_BUSY',
      `The model is computing and ${waiting} ${waiting === 1 ? 'call waits' : 'calls wait'} already; at most ${this.limit} may ` +
        '(the option maxQueue). Await model.ready() before a call, answer that the service is busy, or load the model with a larger ' +
        'maxQueue.',
    );
  }

  #startNext(): void {
    if (this.#current) return;
    const [next] = this.#line;
    if (!next) return;
    this.#remove(next);
    this.#current = next;
    next.start();
  }

  #end(): void {
    this.#current = undefined;
    this.#startNext();
    this.#grantRoom();
  }

  #remove(waiting: Waiting): void {
    if (this.#line.delete(waiting) && waiting.counted) this.#waiting -= 1;
  }

  #grantRoom(): void {
    for (const entry of this.#wantRoom) {
      if (this.#taken + this.#promised > this.limit) return;
      this.#wantRoom.delete(entry);
      this.#promised += 1;
      // By then who was promised room has made the call, or never will.
      setImmediate(() => {
        this.#promised -= 1;
        this.#grantRoom();
      });
      entry.granted();
    }
  }
}

/** What a job throws before it returns is a rejection like any other. */
async function startJob<T>(job: () => Promise<T>): Promise<T> {
  return job();
}

/** A place in the line of a queue. Whoever has one gives it up by running a job, or without. */
export class Place implements Runner, Disposable {
  readonly #queue: Queue;
  #giveUp?: () => void;

  /** @internal */
  constructor(queue: Queue, giveUp: () => void) {
    this.#queue = queue;
    this.#giveUp = giveUp;
  }

  /** Runs the first job in this place, and later ones without being refused. */
  run<T>(job: () => Promise<T>, { signal }: { signal?: AbortSignal } = {}): Promise<T> {
    const result = this.#queue.run(job, { signal, kind: 'going on' });
    this[Symbol.dispose]();
    return result;
  }

  [Symbol.dispose](): void {
    this.#giveUp?.();
    this.#giveUp = undefined;
  }
}
