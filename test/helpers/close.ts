/**
 * Fails unless every value of `got` is within `tolerance` of that of `want`, relative to the larger of 1 and the largest
 * value of `want`.
 */
export function expectClose(
  what: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  tolerance: number,
): void {
  if (got.length !== want.length) throw new Error(`${what}: ${got.length} values instead of ${want.length}`);
  let scale = 1;
  for (let i = 0; i < want.length; i++) scale = Math.max(scale, Math.abs(want[i]));
  let worst = 0;
  let at = 0;
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs(got[i] - want[i]) / scale;
    if (!(error <= worst)) [worst, at] = [error, i];
    if (Number.isNaN(worst)) break;
  }
  if (!(worst <= tolerance)) {
    throw new Error(
      `${what}: error ${worst.toExponential(1)} of ${tolerance} allowed; got ${got[at]} for ${want[at]} at ${at} of ${want.length}`,
    );
  }
}

/** Fails unless both hold the same bits. */
export function expectSame(what: string, got: ArrayLike<number>, want: ArrayLike<number>): void {
  expectClose(what, got, want, 0);
}
