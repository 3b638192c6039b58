/**
 * Which places of the instrumented code an execution reached, and how often: one counter for each branch of the code, in one
 * array that all modules share (see instrument.ts).
 */
export const counters = new Uint8Array(1 << 14);

/** Bit of each count: 1, 2, 3, 4-7, 8-15, 16-31, 32-127, more. Only a change of this class is news, as in AFL. */
const classOf = Uint8Array.from({ length: 256 }, (_, count) => {
  if (count <= 3) return count === 0 ? 0 : 1 << (count - 1);
  return [8, 16, 32, 64, 64, 128][Math.floor(Math.log2(count)) - 2];
});

/** What the executions so far have reached. */
export class Coverage {
  /** The classes seen at each place. */
  readonly #seen = new Uint8Array(counters.length);
  readonly #words = new Uint32Array(counters.buffer);

  /** How many places were reached. */
  edges = 0;

  /** Call before each execution. */
  clear(): void {
    counters.fill(0);
  }

  /** Takes in what the last execution reached; true when it reached anything new. */
  update(): boolean {
    let isNew = false;
    for (let word = 0; word < this.#words.length; word++) {
      if (this.#words[word] === 0) continue;
      for (let place = 4 * word; place < 4 * word + 4; place++) {
        const found = classOf[counters[place]];
        if ((found & ~this.#seen[place]) === 0) continue;
        if (this.#seen[place] === 0) this.edges++;
        this.#seen[place] |= found;
        isNew = true;
      }
    }
    return isNew;
  }

  /** What the last execution reached: a number for each place and class. */
  features(): number[] {
    const features: number[] = [];
    counters.forEach((count, place) => {
      if (count > 0) features.push(256 * place + classOf[count]);
    });
    return features;
  }
}
