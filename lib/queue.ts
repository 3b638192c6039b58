/** Runs asynchronous jobs one after another, in the order they came: a model has one workspace and one set of threads. */
export class Queue {
  #tail: Promise<unknown> = Promise.resolve();
  #length = 0;

  /** How many jobs wait or run. */
  get length(): number {
    return this.#length;
  }

  /**
   * Runs `job` when all earlier ones have ended. When `signal` aborts before the job has started, the job never runs and
   * the promise rejects with the signal's reason.
   */
  run<T>(job: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.#length += 1;
    const result = this.#tail.then(() => {
      signal?.throwIfAborted();
      return job();
    });
    this.#tail = result.then(
      () => {
        this.#length -= 1;
      },
      () => {
        this.#length -= 1;
      },
    );
    return result;
  }
}
