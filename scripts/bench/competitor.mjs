import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { busySeconds } from './machine.mjs';

/**
 * A competitor in a child process of its own, which stays alive between measurements: its memory and its threads are not
 * the other's. One call at a time.
 */
export class Competitor {
  #child;
  #lastAnswer = performance.now();
  /** The most of one core that it used while another competitor was measured. */
  idleCores = 0;

  /**
   * @param name what it is called in results
   * @param o.program its file in competitors/; `NAME.mjs` unless given
   * @param o.interpreter what runs it, if not Node
   * @param o.executable a program that needs no interpreter, in place of both
   * @param o.env environment variables besides this process's
   */
  constructor(name, { program = `${name}.mjs`, interpreter, executable, env } = {}) {
    this.name = name;
    const execPath = executable ?? interpreter;
    const settings = { env: { ...process.env, ...env }, ...(execPath && { execPath, execArgv: [] }) };
    const file = executable ?? fileURLToPath(new URL(`./competitors/${program}`, import.meta.url));
    this.#child = fork(file, settings);
  }

  /** Resolves with the method's result; rejects when it fails or the process ends. */
  async call(method, argument) {
    return (await this.#request(method, argument)).result;
  }

  /**
   * A call that returns the seconds it measured.
   *
   * @returns `seconds`, and `otherCores`: how many cores everything else on the machine kept busy meanwhile
   */
  async measure(method, argument) {
    const busy = busySeconds();
    const start = performance.now();
    const { result, cpuSeconds } = await this.#request(method, argument);
    const elapsed = (performance.now() - start) / 1000;
    return { seconds: result, otherCores: Math.max(0, (busySeconds() - busy - cpuSeconds) / elapsed) };
  }

  #request(method, argument) {
    const idleSeconds = (performance.now() - this.#lastAnswer) / 1000;
    return new Promise((resolve, reject) => {
      const child = this.#child;
      const onExit = (code, signal) =>
        reject(new Error(`${this.name} ended in ${method} (${signal ?? code})`));
      child.once('exit', onExit);
      child.once('message', (answer) => {
        child.off('exit', onExit);
        this.#lastAnswer = performance.now();
        if (answer.error) return reject(new Error(`${this.name} failed in ${method}: ${answer.error}`));
        if (idleSeconds > 1) this.idleCores = Math.max(this.idleCores, answer.idleCpuSeconds / idleSeconds);
        resolve(answer);
      });
      child.send({ method, argument });
    });
  }

  /** Ends the process. */
  close() {
    this.#child.kill();
  }
}
