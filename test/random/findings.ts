/** What cases found, by kind and kernel set: how many there were, and the worst error as a share of its tolerance. */
export class Findings {
  readonly #rows = new Map<
    string,
    { kind: string; backend: string; cases: number; worst: number; undecided: number }
  >();
  #failures = 0;

  /** @param onFailure told of every error that is larger than its tolerance; `what` describes the case */
  constructor(readonly onFailure: (message: string) => void) {}

  /** @param share of the tolerance: above 1, or not a number, is a failure */
  add(kind: string, backend: string, share: number, what: () => string): void {
    const row = this.#row(kind, backend);
    row.cases += 1;
    if (!(share <= row.worst)) row.worst = share;
    if (share <= 1) return;
    this.#failures += 1;
    this.onFailure(`${kind} on ${backend}: ${share.toPrecision(3)} of the error allowed: ${what()}`);
  }

  /** A case that hung on less than float32 resolves: a choice fell otherwise, or the result is off by as much as that moves it. */
  addUndecided(kind: string, backend: string): void {
    this.#row(kind, backend).undecided += 1;
  }

  get failures(): number {
    return this.#failures;
  }

  /** In the order in which kinds first came up. */
  get rows() {
    return [...this.#rows.values()];
  }

  #row(kind: string, backend: string) {
    const key = `${kind}|${backend}`;
    const row = this.#rows.get(key) ?? { kind, backend, cases: 0, worst: 0, undecided: 0 };
    this.#rows.set(key, row);
    return row;
  }
}

/**
 * The largest error as a share of `tolerance`, which is relative to the larger of 1 and the largest value that is wanted. Without a
 * tolerance any difference is infinitely much; so are values of another number, and what is not a number.
 */
export function shareOfTolerance(
  got: ArrayLike<number>,
  wanted: ArrayLike<number>,
  tolerance: number,
): number {
  if (got.length !== wanted.length) return Infinity;
  let scale = 1;
  for (let i = 0; i < wanted.length; i++) scale = Math.max(scale, Math.abs(wanted[i]));
  let worst = 0;
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs(got[i] - wanted[i]);
    if (Number.isNaN(error)) return Infinity;
    if (error > worst) worst = error;
  }
  return worst === 0 ? 0 : worst / scale / tolerance;
}
