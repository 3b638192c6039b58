import { Interrupted } from './command';

/**
 * Runs work that Ctrl-C stops where it can be gone on from; a second Ctrl-C ends the program at once.
 *
 * @param advice how to go on, for the user
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  advice: string,
): Promise<T> {
  const abort = new AbortController();
  const stop = () => abort.abort(new Interrupted(`Interrupted. ${advice}`));
  process.once('SIGINT', stop);
  try {
    return await work(abort.signal);
  } finally {
    process.off('SIGINT', stop);
  }
}
