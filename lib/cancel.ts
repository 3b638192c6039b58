/** What is to be done when a signal aborts; the signal itself has one listener, for node warns of more than ten. */
const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `callback` when `signal` aborts, which it has not.
 *
 * @returns what ends that
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (!signal) return () => {};
  const all = callbacks.get(signal) ?? listenTo(signal);
  const entry = () => callback(); // an object of its own, if the same function comes twice
  all.add(entry);
  return () => {
    all.delete(entry);
  };
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const all = new Set<() => void>();
  callbacks.set(signal, all);
  const abort = () => {
    for (const callback of all) callback();
  };
  signal.addEventListener('abort', abort, { once: true });
  return all;
}

/**
 * Runs native work that looks at `cell[0]` now and then and stops when it is not 0. An abort sets it; the work then fails
 * with the code ABORTED, which becomes the signal's reason.
 */
export async function cancellable<T>(
  signal: AbortSignal | undefined,
  work: (cell: Int32Array) => Promise<T>,
): Promise<T> {
  const cell = new Int32Array(1);
  const stop = onAbort(signal, () => {
    cell[0] = 1;
  });
  try {
    return await work(cell);
  } catch (error) {
    if ((error as { code?: string }).code === 'ABORTED' && signal?.aborted) throw signal.reason;
    throw error;
  } finally {
    stop();
  }
}
