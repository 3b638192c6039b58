// What `skipscan report` has left of each run, and how it is put together over the models that differ in their seed only.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The results in a folder of study.mjs. */
export class Results {
  #folder;
  #reports = new Map();

  constructor(folder) {
    this.#folder = folder;
  }

  /** The one task of a run, or undefined where it has not been run. */
  task(model, what) {
    const key = `${model}/${what}`;
    if (!this.#reports.has(key)) {
      const file = path.join(this.#folder, key, 'report.json');
      const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
      this.#reports.set(key, report && { ...report.tasks[0], axes: report.sweep.axes });
    }
    return this.#reports.get(key);
  }
}

/**
 * The cell of a sweep with this policy, cut and options; options that are not said have the sweep's first value.
 *
 * @returns undefined where it was not measured
 */
export function cellOf({ cells, axes }, { policy, cut, ...options }) {
  return cells.find(
    (cell) =>
      cell.policy === policy &&
      cell.cut === cut &&
      axes.every(({ name, values }) => {
        const measured = cell.options[name];
        return measured === undefined || String(measured) === String(options[name] ?? values[0]);
      }),
  );
}

/** The mean of numbers and the standard error of that mean. */
export function summarize(values) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, standardError: Math.sqrt(variance / values.length) };
}

/**
 * One number of several models: of a single one as it is, with its error over samples; of several the mean over them, with the error
 * between them.
 *
 * @param estimates `{ mean, standardError }` of each model
 */
export function together(estimates) {
  if (estimates.length === 0) return undefined;
  if (estimates.length === 1) return { ...estimates[0], models: 1 };
  return { ...summarize(estimates.map(({ mean }) => mean)), models: estimates.length };
}

/** The difference of two cells of one sweep, sample by sample. */
export function paired(metric, a, b) {
  return summarize(a.values[metric].map((value, i) => value - b.values[metric][i]));
}
