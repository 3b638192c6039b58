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
