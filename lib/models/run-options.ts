import os from 'node:os';
import { type Device, resolveDevice } from '../device';
import { invalidArgument } from '../errors';

export type WeightDtype = 'f32' | 'bf16' | 'f16';

/** How a model is loaded and run, whatever it models. */
export type RunOptions = {
  /** Defaults to `'auto'`: the first GPU if there is one, else the CPU. */
  device?: 'auto' | Device;
  /**
   * How the weight matrices are held, and on a GPU the activations too. Defaults to the checkpoint's dtype. Sums and states are
   * float32.
   */
  dtype?: WeightDtype;
  /** Threads for this model on the CPU. Defaults to the number of processors. */
  threads?: number;
  /** Where hub downloads are kept. Defaults to the Hugging Face cache. */
  cacheDir?: string;
  /** Branch, tag or commit of the source, where that is a hub id. Defaults to `main`. */
  revision?: string;
  /** Called with bytes done and bytes in all: first while files are downloaded, if any are, then while weights are read. */
  onProgress?: (done: number, total: number) => void;
  /** Stops the loading; the call rejects with `signal.reason`. */
  signal?: AbortSignal;
};

/** Checks the options that say how the model runs. */
export function checkRunOptions(o: RunOptions): { device: Device; threads: number } {
  const threads = o.threads ?? os.availableParallelism();
  if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
    throw invalidArgument('threads', 'a whole number from 1 to 1024', threads);
  }
  if (o.dtype !== undefined && !['f32', 'bf16', 'f16'].includes(o.dtype)) {
    throw invalidArgument('dtype', "'f32', 'bf16' or 'f16'", o.dtype);
  }
  return { device: resolveDevice(o.device ?? 'auto'), threads };
}
