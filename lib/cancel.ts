/**
 * Runs native work that looks at `cell[0]` now and then and stops when it is not 0. An abort sets it; the work then fails
 * with the code ABORTED, which becomes the signal's reason.
 */
export async function cancellable<T>(
  signal: AbortSignal | undefined,
  work: (cell: Int32Array) => Promise<T>,
): Promise<T> {
  const cell = new Int32Array(1);
  const abort = () => {
    cell[0] = 1;
  };
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await work(cell);
  } catch (error) {
    if ((error as { code?: string }).code === 'ABORTED' && signal?.aborted) throw signal.reason;
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
