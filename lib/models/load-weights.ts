import { assertUnchanged } from '../checkpoints/file-state';
import type { Manifest } from '../checkpoints/types';
import { fromNative, fromNativeSync } from '../errors';
import type { NativeTensorSource, NativeWeightSlot } from '../native-model-types';
import type { ModelOptions } from './run-options';

/** What loading needs of a native model, of any kind. */
type Loadable = {
  slots(): NativeWeightSlot[];
  load(sources: NativeTensorSource[]): Promise<void>;
  finishLoading(): { fingerprint: string; backend: string };
  dispose(): void;
};

/**
 * Fills a new native model from the files of `manifest`; where that fails, the model is disposed. Weights of files that were changed
 * since their headers were read are refused.
 *
 * @param match finds the tensor of every slot, in the slots' order
 */
export async function loadWeights(
  model: Loadable,
  { files }: Manifest,
  match: (slots: NativeWeightSlot[]) => (NativeTensorSource & { byteLength: number })[],
  o: ModelOptions,
): Promise<{ fingerprint: string; backend: string; slots: NativeWeightSlot[] }> {
  try {
    const slots = model.slots();
    await loadInParts(match(slots), (part) => model.load(part), o);
    await assertUnchanged(files);
    return { ...fromNativeSync(() => model.finishLoading()), slots };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** Tensors are handed over in parts, so that progress is seen and an abort is heeded in between. */
async function loadInParts(
  sources: (NativeTensorSource & { byteLength: number })[],
  load: (part: NativeTensorSource[]) => Promise<void>,
  { onProgress, signal }: ModelOptions,
): Promise<void> {
  const total = sources.reduce((n, source) => n + source.byteLength, 0);
  const partBytes = total / 100;
  let done = 0;
  let part: NativeTensorSource[] = [];
  let pending = 0;
  for (const [i, source] of sources.entries()) {
    part.push(source);
    pending += source.byteLength;
    if (pending < partBytes && i + 1 < sources.length) continue;
    signal?.throwIfAborted();
    await fromNative(() => load(part));
    done += pending;
    part = [];
    pending = 0;
    onProgress?.(done, total);
  }
}

/** Elements of these tensors in all. */
export function elementsOf(slots: readonly NativeWeightSlot[]): number {
  return slots.reduce((n, { shape }) => n + shape.reduce((a, b) => a * b, 1), 0);
}
