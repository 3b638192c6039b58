import type { Manifest } from '../checkpoints/types';
import { type Device, resolveDevice } from '../device';
import { invalidArgument, SkipscanError } from '../errors';
import { availableProcessors } from '../processors';

/** `i8`: 8 bits, and a float32 scale for each 64 columns of a row. */
export type WeightDtype = 'f32' | 'bf16' | 'f16' | 'i8';
/** How what products read is held. */
export type ActivationDtype = 'f32' | 'bf16' | 'f16';

const weightDtypes: readonly string[] = ['f32', 'bf16', 'f16', 'i8'] satisfies WeightDtype[];

/** How a model is loaded and run, whatever it models. */
export type ModelOptions = {
  /** Defaults to `'auto'`: the first GPU if there is one, else the CPU. */
  device?: 'auto' | Device;
  /**
   * How the weight matrices are held, and on a GPU the activations too. Defaults to the checkpoint's dtype. Sums and states are
   * float32. `'i8'` rounds to 8 bits whatever the checkpoint holds; on the CPU only.
   */
  dtype?: WeightDtype;
  /**
   * Of bf16 weights on the CPU: `'bf16'` lets products round what they read to bf16, as PyTorch does, where the processor multiplies
   * bf16 by itself (AMX): prefill gets faster. Elsewhere it changes nothing. Defaults to `'f32'`: nothing is rounded.
   */
  activations?: 'f32' | 'bf16';
  /**
   * How many calls may wait for the one that is computed; more are refused with `ERR_BUSY`. What goes on with work that was let in
   * counts but is not refused: the steps of sessions and of `generate()`, the later passes of one call. Defaults to 256.
   */
  maxQueue?: number;
  /** Threads for this model on the CPU. Defaults to the number of processors that the process may use. */
  threads?: number;
  /** Where hub downloads are kept. Defaults to the Hugging Face cache. */
  cacheDir?: string;
  /** Branch, tag or commit of the source, where that is a hub id. Defaults to `main`. */
  revision?: string;
  /**
   * Never touch the network: a hub id is used as it is in the cache, or an error. Defaults to the environment variable
   * `HF_HUB_OFFLINE`. Without a hub id nothing touches the network anyway.
   */
  offline?: boolean;
  /** Called with bytes done and bytes in all: first while files are downloaded, if any are, then while weights are read. */
  onProgress?: (done: number, total: number) => void;
  /** Stops the loading; the call rejects with `signal.reason`. */
  signal?: AbortSignal;
};

/** Checks the options that say how the model runs. */
export function checkRunOptions(o: ModelOptions): { device: Device; threads: number; maxQueue: number } {
  const threads = o.threads ?? availableProcessors();
  if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
    throw invalidArgument('threads', 'a whole number from 1 to 1024', threads);
  }
  const maxQueue = o.maxQueue ?? 256;
  if (!Number.isSafeInteger(maxQueue) || maxQueue < 0) {
    throw invalidArgument('maxQueue', 'a whole number of at least 0', maxQueue);
  }
  if (o.dtype !== undefined && !weightDtypes.includes(o.dtype)) {
    throw invalidArgument('dtype', "'f32', 'bf16', 'f16' or 'i8'", o.dtype);
  }
  if (o.activations !== undefined && o.activations !== 'f32' && o.activations !== 'bf16') {
    throw invalidArgument('activations', "'f32' or 'bf16'", o.activations);
  }
  return { device: resolveDevice(o.device ?? 'auto'), threads, maxQueue };
}

/**
 * How weights and activations are held, which for want of an option depends on the checkpoint.
 *
 * @throws SkipscanError `ERR_UNSUPPORTED` when the device does not have it, `ERR_ARGUMENT` when the options contradict each other
 */
export function numberFormats(
  o: ModelOptions,
  device: Device,
  manifest: Manifest,
): { dtype: WeightDtype; activations: ActivationDtype } {
  const dtype = o.dtype ?? dtypeOf(manifest);
  if (o.activations === 'bf16' && dtype !== 'bf16') {
    throw new SkipscanError(
      'ERR_ARGUMENT',
      `Received activations 'bf16' with ${dtype} weights; they are of bf16 weights. Add dtype: 'bf16', or leave activations out.`,
    );
  }
  if (device === 'cpu') return { dtype, activations: o.activations ?? 'f32' };
  if (dtype === 'i8') {
    throw new SkipscanError(
      'ERR_UNSUPPORTED',
      `8-bit weights are for the CPU, but the device is ${device}. Use device: 'cpu', or dtype: 'bf16'.`,
    );
  }
  if (o.activations !== undefined && o.activations !== dtype) {
    throw new SkipscanError(
      'ERR_UNSUPPORTED',
      `On ${device} activations have the dtype of the weights, ${dtype}. Leave activations out, or use device: 'cpu'.`,
    );
  }
  return { dtype, activations: dtype };
}

/** The dtype of the largest share of the weights. */
function dtypeOf({ tensors }: Manifest): WeightDtype & ActivationDtype {
  const bytes = new Map<string, number>();
  for (const { dtype, byteLength } of tensors.values()) {
    bytes.set(dtype, (bytes.get(dtype) ?? 0) + byteLength);
  }
  const [most] = [...bytes].sort((a, b) => b[1] - a[1]).map(([dtype]) => dtype);
  return most === 'bf16' || most === 'f16' ? most : 'f32';
}
