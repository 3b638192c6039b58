import { readFileSync } from 'node:fs';
import { modelMatrices } from './cases.mjs';

/** Matrices that take turns come from memory, not from a cache, where all of them have so many bytes. */
const streamedBytes = 2e8;

/** How many of them there are: as in products.cc. */
const layersOf = (values) => Math.min(24, Math.max(2, Math.floor((256 << 20) / (4 * values))));

/** Products of fewer rows do not reach a library's best rate. */
const manyRows = 197;

/**
 * What the machine reaches at best, by threads: floors are computed from it (shapes.mjs).
 *
 * - `gflops[model][dtype]`: the rate of oneDNN's products over all matrices of the model's block, at the number of rows where
 *   it is highest
 * - `readGbs`: the fastest reading of weights in any matrix-vector product, by any competitor, from memory
 * - `scanNs`: nanoseconds of the selective scan's recurrence per token, channel and state
 *
 * @param products results as operators.mjs collects them
 * @param scans the same
 */
export function measuredLimits({ products, scans }) {
  const threads = [...new Set([...products, ...scans].map((result) => result.threads))];
  return Object.fromEntries(
    threads.map((count) => {
      const own = products.filter((result) => result.threads === count);
      const bare = scans.filter(
        ({ threads, op, variant }) => threads === count && op === 'selective' && variant === 'bare',
      );
      return [
        count,
        {
          gflops: Object.fromEntries(
            Object.keys(modelMatrices).map((model) => [model, blockRates(own, model)]),
          ),
          readGbs: greatest(own.filter(({ rows }) => rows === 1).flatMap(readRates)),
          scanNs: -greatest(bare.map(({ ns }) => -ns.median)),
        },
      ];
    }),
  );
}

/** oneDNN's GFLOP/s in one block of the model, by dtype. */
function blockRates(products, model) {
  const rates = {};
  for (const dtype of new Set(products.map((result) => result.dtype))) {
    const ofDtype = products.filter((result) => result.dtype === dtype && result.gflops.onednn);
    const rowCounts = new Set(ofDtype.map(({ rows }) => rows).filter((rows) => rows >= manyRows));
    const rate = greatest([...rowCounts].map((rows) => blockRate(ofDtype, model, rows)));
    if (Number.isFinite(rate)) rates[dtype] = rate;
  }
  return rates;
}

/** NaN where a product of the block was not measured with so many rows. */
function blockRate(products, model, rows) {
  let flops = 0;
  let seconds = 0;
  for (const [outputs, inputs] of Object.values(modelMatrices[model])) {
    const measured = products.find(
      (result) => result.rows === rows && result.outputs === outputs && result.inputs === inputs,
    );
    flops += outputs * inputs;
    seconds += (outputs * inputs) / (measured?.gflops.onednn.median ?? Number.NaN);
  }
  return flops / seconds;
}

/** GB/s of weights that each competitor read: two operations for each. */
function readRates({ dtype, outputs, inputs, gflops }) {
  const bytes = { f32: 4, bf16: 2, 'bf16-rounded': 2, f16: 2, i8: 68 / 64 }[dtype];
  const values = outputs * inputs;
  if (bytes === undefined || values * layersOf(values) * bytes < streamedBytes) return [];
  return Object.values(gflops).map((rate) => (rate.median / 2) * bytes);
}

/** NaN, which no floor is computed from, of nothing. */
function greatest(values) {
  const numbers = values.filter((value) => !Number.isNaN(value));
  return numbers.length > 0 ? Math.max(...numbers) : Number.NaN;
}

/**
 * The limits in a file that operators.mjs wrote, for one model; what was not measured is NaN. 8-bit weights are multiplied
 * at the rate of bf16 ones.
 */
export function readLimits(file, { model, dtype, threads }) {
  const limits = JSON.parse(readFileSync(file, 'utf8')).limits?.[threads];
  if (!limits) {
    throw new Error(
      `${file}: found no limits for ${threads} threads; let bench:operators write it with --threads ${threads}`,
    );
  }
  return {
    gflops: limits.gflops[model]?.[dtype === 'i8' ? 'bf16' : dtype] ?? Number.NaN,
    readGbs: limits.readGbs ?? Number.NaN, // JSON has no NaN
    scanNs: limits.scanNs ?? Number.NaN,
  };
}
