// What random models of any kind are compared by.

import type { Draw } from '../helpers/random';
import { maxDifference } from '../helpers/read-tensors';
import type { Findings } from './findings';
import { onBackend, perturbed, withFiles } from './model-files';

/** What a model made of a case: which tokens each reduction left, and logits. */
export type ModelResult = { kept: readonly ArrayLike<number>[]; values: readonly Float32Array[] };

type Model = AsyncDisposable & { backend: string };

export type Comparison<M extends Model> = {
  kind: string;
  backends: readonly string[];
  findings: Findings;
  draw: Draw;
  what: () => string;
  /** How far logits may be from those of the reference: those of test/engine, for logits of 1 to 5. */
  tolerance: number;
  load: (folder: string) => Promise<M>;
  results: (model: M) => Promise<ModelResult>;
  /** What must hold on each backend by itself: errors as shares of what is allowed. */
  invariants: (model: M) => Promise<number>;
};

/** Weights that differ by a rounding or two: as many sets of them as tell whether a choice hangs on such a thing. */
const perturbations = 12;

/** Compares what each backend makes of a model with what the reference does, and with itself. */
export async function compareModels<M extends Model>(
  files: Record<string, string | Uint8Array>,
  o: Comparison<M>,
): Promise<void> {
  await withFiles(files, async (folder) => {
    const wanted = await resultsOn('reference', folder, o);
    let undecided: boolean | undefined;
    for (const backend of o.backends) {
      await using model = await loadOn(backend, folder, o);
      const got = await o.results(model);
      if (!sameKept(got, wanted)) undecided ??= await isUndecided(files, wanted, o);
      const share = sameKept(got, wanted) ? shareOf(got, wanted, o.tolerance) : undecided ? 0 : Infinity;
      if (!sameKept(got, wanted) && undecided) o.findings.addUndecided(o.kind, backend);
      o.findings.add(o.kind, backend, Math.max(share, await o.invariants(model)), o.what);
    }
  });
}

/** Whether the reference itself keeps other tokens where weights are off by a rounding. */
async function isUndecided<M extends Model>(
  files: Record<string, string | Uint8Array>,
  wanted: ModelResult,
  o: Comparison<M>,
): Promise<boolean> {
  for (let i = 0; i < perturbations; i++) {
    const other = await withFiles(perturbed(files, o.draw), (folder) => resultsOn('reference', folder, o));
    if (!sameKept(other, wanted)) return true;
  }
  return false;
}

async function loadOn<M extends Model>(backend: string, folder: string, o: Comparison<M>): Promise<M> {
  const model = await onBackend(backend, () => o.load(folder));
  if (model.backend !== backend)
    throw new Error(`Asked for ${backend}, but the model runs on ${model.backend}.`);
  return model;
}

async function resultsOn<M extends Model>(
  backend: string,
  folder: string,
  o: Comparison<M>,
): Promise<ModelResult> {
  await using model = await loadOn(backend, folder, o);
  return await o.results(model);
}

function sameKept(a: ModelResult, b: ModelResult): boolean {
  return (
    a.kept.length === b.kept.length &&
    a.kept.every((kept, i) => kept.length === b.kept[i].length && maxDifference(kept, b.kept[i]) === 0)
  );
}

function shareOf(got: ModelResult, wanted: ModelResult, tolerance: number): number {
  const shares = wanted.values.map((values, i) => maxDifference(got.values[i], values) / tolerance);
  return shares.some(Number.isNaN) ? Infinity : Math.max(...shares);
}

/** An error that may not be there at all. */
export const exact = (got: ArrayLike<number>, wanted: ArrayLike<number>): number =>
  maxDifference(got, wanted) === 0 ? 0 : Infinity;
