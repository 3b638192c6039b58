// What random models of any kind are compared by.

import type { Draw } from '../helpers/random';
import { maxDifference } from '../helpers/read-tensors';
import type { Findings } from './findings';
import { type Files, onBackend, perturbed, withFiles } from './model-files';

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

/** How many sets of weights, each off by a few roundings, tell what hangs on such a thing. */
const perturbations = 12;

/** Compares what each backend makes of a model with what the reference does, and with itself. */
export async function compareModels<M extends Model>(files: Files, o: Comparison<M>): Promise<void> {
  await withFiles(files, async (folder) => {
    const wanted = await resultsOn('reference', folder, o);
    let doubt: Doubt | undefined;
    for (const backend of o.backends) {
      await using model = await loadOn(backend, folder, o);
      const got = await o.results(model);
      let share = sameKept(got, wanted) ? differenceOf(got, wanted) / o.tolerance : Infinity;
      if (!(share <= 1)) {
        doubt ??= await doubtAbout(files, wanted, o);
        const explained = sameKept(got, wanted) ? share * o.tolerance <= doubt.spread : doubt.keepsOthers;
        if (explained) {
          o.findings.addUndecided(o.kind, backend);
          share = 0;
        }
      }
      o.findings.add(o.kind, backend, Math.max(share, await o.invariants(model)), o.what);
    }
  });
}

/** What the reference itself makes of weights that are off by a few roundings: whether it keeps other tokens, how far logits move. */
type Doubt = { keepsOthers: boolean; spread: number };

async function doubtAbout<M extends Model>(
  files: Files,
  wanted: ModelResult,
  o: Comparison<M>,
): Promise<Doubt> {
  const doubt = { keepsOthers: false, spread: 0 };
  for (let i = 0; i < perturbations; i++) {
    const other = await withFiles(perturbed(files, o.draw), (folder) => resultsOn('reference', folder, o));
    if (sameKept(other, wanted)) doubt.spread = Math.max(doubt.spread, differenceOf(other, wanted));
    else doubt.keepsOthers = true;
  }
  return doubt;
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

/** The largest difference of any logit. */
function differenceOf(got: ModelResult, wanted: ModelResult): number {
  const differences = wanted.values.map((values, i) => maxDifference(got.values[i], values));
  return differences.some(Number.isNaN) ? Infinity : Math.max(...differences);
}

/** An error that may not be there at all. */
export const exact = (got: ArrayLike<number>, wanted: ArrayLike<number>): number =>
  maxDifference(got, wanted) === 0 ? 0 : Infinity;
