import { loadSoakModel } from './models.mjs';
import { allOperations } from './operations.mjs';
import { randomNumbers } from './random.mjs';

/** What is counted of a thread's operations. */
export function newCounts() {
  return { operations: 0, aborted: 0, refused: 0, disposed: 0, reloads: 0, different: [] };
}

/**
 * Runs operations at random, several at once, until `stopped()`: some are aborted at some moment, and models are disposed of while
 * calls run, and loaded again.
 *
 * @param counts is added to
 * @returns the models that are open then
 */
export async function putLoad({ models, answers, seed, loops, stopped, counts }) {
  const chance = randomNumbers(seed);
  const open = new Map();
  for (const model of models) open.set(model.name, await loadSoakModel(model));
  const operations = allOperations(models);
  await Promise.all(Array.from({ length: loops }, () => loop()));
  return [...open.values()];

  async function loop() {
    while (!stopped()) {
      const operation = operations[chance(operations.length)];
      if (chance(60) === 0) await reload(operation.model);
      else await one(operation);
      await new Promise(setImmediate);
    }
  }

  async function one({ key, model, run }) {
    const loaded = open.get(model.name);
    const abort = new AbortController();
    const timer = chance(5) === 0 ? setTimeout(() => abort.abort(), chance(30)) : undefined;
    try {
      const found = await run(loaded, { chance, signal: abort.signal });
      counts.operations += 1;
      if (found !== answers.get(key)) counts.different.push(key);
    } catch (error) {
      if (error.name === 'AbortError' && abort.signal.aborted) counts.aborted += 1;
      else if (error.code === 'ERR_DISPOSED' && open.get(model.name) !== loaded) counts.disposed += 1;
      else if (error.code === 'ERR_BUSY') {
        counts.refused += 1;
        await open.get(model.name).ready().catch(ignoreDisposed);
      } else counts.different.push(`${key}: ${error.stack}`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Disposes of a model, in the middle of other loops' calls, and puts another in its place. */
  async function reload(model) {
    const old = open.get(model.name);
    const next = await loadSoakModel(model);
    if (open.get(model.name) !== old) return next.dispose(); // another loop was faster
    open.set(model.name, next);
    counts.reloads += 1;
    await old.dispose();
  }
}

function ignoreDisposed(error) {
  if (error.code !== 'ERR_DISPOSED') throw error;
}
