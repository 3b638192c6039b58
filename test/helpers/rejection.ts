import { SkipscanError } from '../../lib/errors';

/** Waits for `work` to fail as ERR_CHECKPOINT and returns the message. */
export async function checkpointError(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    (value) => new Error(`expected a rejection, but it resolved to ${String(value)}`),
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(SkipscanError);
  expect(error.code).toBe('ERR_CHECKPOINT');
  return error.message;
}

/** The error of this package that `work` throws. */
export function errorOf(work: () => unknown): SkipscanError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(SkipscanError);
    return error as SkipscanError;
  }
  throw new Error('expected it to throw');
}
