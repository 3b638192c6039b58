import { describeThreads, textTable } from '../report.mjs';
import { measureInTurns, ratio } from '../turns.mjs';

/**
 * Measures the variants of each scan in turns.
 *
 * @param cases `{ op, variants, steps }` each
 * @param process of skipscan's kernels
 * @returns results of every op, number of steps, number of threads and variant: `ns` per token, channel and state, and
 *   `slower`, the time in units of the plain variant's
 */
export async function measureScans(cases, process, { threads, rounds, seconds }) {
  const results = [];
  for (const { op, variants, steps } of cases) {
    for (const count of threads) {
      for (const length of steps) {
        results.push(
          ...(await measureVariants(op, variants, `${length} ${count}`, process, { rounds, seconds })),
        );
      }
    }
  }
  return results;
}

async function measureVariants(op, variants, size, process, { rounds, seconds }) {
  const [steps, threads] = size.split(' ').map(Number);
  const checked = {};
  for (const variant of variants) checked[variant] = await process.call('scan', `${op} ${variant} ${size}`);
  const { updates } = checked.plain;
  const turns = variants.map((variant) => ({
    name: variant,
    measure: async () => {
      const run = await process.measure('timeScan', `${seconds} ${op} ${variant} ${size}`);
      return { ...run, seconds: (run.seconds * 1e9) / updates };
    },
  }));
  const { rates, otherCores } = await measureInTurns({ amount: 1 }, turns, rounds);
  await process.call('endScans');
  return variants.map((variant) => ({
    op,
    variant,
    steps,
    threads,
    ns: inverse(rates[variant]),
    slower: ratio(rates.plain, rates[variant]),
    checked: checked[variant],
    otherCores,
  }));
}

/** Nanoseconds from their inverse. */
function inverse({ median, min, max, values }) {
  return { median: 1 / median, min: 1 / max, max: 1 / min, values: values.map((value) => 1 / value) };
}

export function describeScans(results) {
  const rows = results.map(({ op, variant, steps, threads, ns, slower, checked, otherCores }) => [
    `${op} ${variant}`,
    String(steps),
    describeThreads(threads),
    `${ns.median.toFixed(4)} (${ns.min.toFixed(4)}..${ns.max.toFixed(4)})`,
    `${slower.median.toFixed(3)} (${slower.min.toFixed(3)}..${slower.max.toFixed(3)})`,
    checked.route,
    checked.error.toExponential(1),
    otherCores.max.toFixed(2),
  ]);
  const header = [
    'scan',
    'tokens',
    '',
    'ns per token, channel, state',
    'time / plain',
    'kernel',
    'error',
    'other load',
  ];
  return `\n${textTable(header, rows)}`;
}
