/** A progress line on standard error; nothing where that is not a terminal. */
export class Progress {
  readonly #label: string;
  readonly #amount: (total: number) => string;
  readonly #enabled = process.stderr.isTTY === true;
  #shown = -1;

  /** @param amount how a total is told; bytes unless given */
  constructor(label: string, amount: (total: number) => string = megabytes) {
    this.#label = label;
    this.#amount = amount;
  }

  /** @param note told after the bar */
  update(done: number, total: number, note = ''): void {
    const percent = total > 0 ? Math.floor((100 * done) / total) : 100;
    if (!this.#enabled || percent === this.#shown) return;
    this.#shown = percent;
    const bar = '#'.repeat(Math.floor(percent / 5)).padEnd(20, '.');
    process.stderr.write(
      `\r${this.#label} [${bar}] ${String(percent).padStart(3)} % of ${this.#amount(total)}${note && `, ${note}  `}`,
    );
  }

  /** Clears the line. */
  end(): void {
    if (this.#enabled && this.#shown >= 0) process.stderr.write('\r\x1b[2K');
  }
}

/** A progress line that tells how much time is left, by the pace since the first update. */
export class TimedProgress {
  readonly #progress: Progress;
  #first?: { done: number; time: number };

  /** As of `Progress`. */
  constructor(label: string, amount?: (total: number) => string) {
    this.#progress = new Progress(label, amount);
  }

  update(done: number, total: number): void {
    const time = performance.now();
    this.#first ??= { done, time };
    const rate = (done - this.#first.done) / (time - this.#first.time);
    this.#progress.update(done, total, rate > 0 ? `${duration((total - done) / rate / 1000)} left` : '');
  }

  /** Clears the line. */
  end(): void {
    this.#progress.end();
  }
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
