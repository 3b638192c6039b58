import { describeThreads, resultTable, textTable } from '../report.mjs';
import { geometricMean } from '../stats.mjs';
import { measureInTurns, ratiosToPeers } from '../turns.mjs';

/**
 * Measures products with one type of weights.
 *
 * @param cases `{ name, outputs, inputs, rows }` each, as productCases() makes them
 * @param competitors those that multiply this type
 * @returns results of every case, number of threads and number of rows: `gflops` by competitor
 */
export async function measureProducts(cases, dtype, competitors, { threads, rounds, seconds }) {
  const results = [];
  for (const { name, outputs, inputs, rows } of cases) {
    const title = `${name} ${inputs} to ${outputs}`;
    process.stderr.write(`  products, ${dtype}: ${title}\n`);
    for (const competitor of competitors) await competitor.call('load', `${outputs} ${inputs} ${dtype}`);
    for (const count of threads) {
      for (const number of rows) {
        const checked = {};
        for (const competitor of competitors) {
          checked[competitor.name] = await competitor.call('prepare', `${number} ${count}`);
        }
        const gflop = (2 * number * outputs * inputs) / 1e9;
        const task = { kind: 'time', argument: String(seconds), amount: gflop };
        const { rates, otherCores } = await measureInTurns(task, competitors, rounds);
        results.push({
          name: `${title}, ${number} ${number === 1 ? 'row' : 'rows'}`,
          dtype,
          threads: count,
          rows: number,
          outputs,
          inputs,
          gflops: rates,
          ratios: ratiosToPeers(rates),
          checked,
          otherCores,
        });
      }
    }
  }
  for (const competitor of competitors) await competitor.call('unload');
  return results;
}

/** Tables of the results with one type of weights and one number of threads, and what they come to. */
export function describeProducts(results, names) {
  const { dtype, threads } = results[0];
  const summary = summarizeProducts(results, names);
  return [
    `\nproducts, ${dtype} weights, ${describeThreads(threads)}`,
    resultTable(results, names, 'gflops', 'GFLOP/s'),
    ...summary.map(
      ({ peer, mean, worst, at }) =>
        `  beside ${peer}: ${mean.toFixed(2)}x in the geometric mean, ${worst.toFixed(2)}x at worst (${at})`,
    ),
  ].join('\n');
}

/** For each peer the ratio's geometric mean over the results, the worst one, and where that is. */
export function summarizeProducts(results, names) {
  return names.flatMap((peer) => {
    const compared = results.filter(({ ratios }) => ratios[peer]);
    if (compared.length === 0) return [];
    const medians = compared.map(({ ratios }) => ratios[peer].median);
    const worst = Math.min(...medians);
    return [{ peer, mean: geometricMean(medians), worst, at: compared[medians.indexOf(worst)].name }];
  });
}

/** The greatest errors, which were within what products.cc allows. */
export function describeErrors(results) {
  const rows = [];
  for (const dtype of new Set(results.map((result) => result.dtype))) {
    const ofDtype = results.filter((result) => result.dtype === dtype);
    for (const name of Object.keys(ofDtype[0].checked)) {
      const errors = ofDtype.map(({ checked }) => checked[name].error);
      const routes = [...new Set(ofDtype.map(({ checked }) => checked[name].route))];
      rows.push([dtype, name, Math.max(...errors).toExponential(1), routes.join(', ')]);
    }
  }
  return textTable(['checked', '', 'greatest error', 'kernels'], rows);
}
