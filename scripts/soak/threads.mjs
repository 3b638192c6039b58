import { Worker } from 'node:worker_threads';

/**
 * Keeps so many worker threads under load, and again and again terminates one, in the middle of whatever it does, and starts another.
 *
 * @param o.every milliseconds between two terminations, on average
 * @param o.add is told what threads have counted
 */
export class SoakThreads {
  terminated = 0;
  /** How threads ended that nobody had terminated. */
  died = [];
  #running = new Set();
  #ended = false;

  constructor({ count, every, chance, loops, answers, add }) {
    this.start = () => {
      const thread = new Worker(new URL('./thread.mjs', import.meta.url), {
        workerData: { seed: chance(2 ** 31), loops, answers },
      });
      this.#running.add(thread);
      thread.on('message', add);
      thread.on('error', (error) => this.#tell(String(error.stack)));
      thread.on('exit', (code) => {
        const expected = !this.#running.delete(thread) || this.#ended;
        if (!expected || (this.#ended && code > 1)) this.#tell(`exit code ${code}`);
      });
    };
    for (let i = 0; i < count; i += 1) this.start();
    const next = () => {
      this.timer = setTimeout(
        async () => {
          const threads = [...this.#running];
          await this.#terminate(threads[chance(threads.length)]);
          if (this.#ended) return;
          this.start();
          next();
        },
        chance(2 * every),
      );
    };
    if (count > 0) next();
  }

  /** At once, for the process may not live to report it. */
  #tell(death) {
    console.error(`A worker thread died: ${death}`);
    this.died.push(death);
  }

  async #terminate(thread) {
    this.#running.delete(thread);
    this.terminated += 1;
    await thread.terminate();
  }

  /** Lets the threads end by themselves. */
  async end() {
    this.#ended = true;
    clearTimeout(this.timer);
    const exits = [...this.#running].map((thread) => {
      const exit = new Promise((resolve) => thread.once('exit', resolve));
      thread.postMessage('stop');
      return exit;
    });
    await Promise.all(exits);
  }
}
