import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What is measured, before the first number. */
export function describeMachine({ machine, skipscanCommit }) {
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}`,
    `instruction sets: ${machine.instructionSets.join(' ') || 'unknown'}; load average ${machine.loadAverage.toFixed(2)}`,
    `node ${machine.node}; skipscan sources: ${skipscanCommit ?? 'not a git checkout'}`,
  ].join('\n');
}

/** One line for a loaded competitor. */
export function describeCompetitor({ name, version, engine, dtype, threads, seconds, residentBytes }) {
  return (
    `  ${name} ${version} (${engine}), ${dtype} weights, ${describeThreads(threads)}: ` +
    `loaded in ${seconds.toFixed(2)} s, ${mega(residentBytes, 0)} MB resident`
  );
}

/** One line for each engine that was compared with the first. */
export function describeAgreement(agreement) {
  return Object.entries(agreement)
    .map(
      ([name, { greatest, sameGreedy, rows }]) =>
        `  checked beside ${name}: logits of ${rows} positions differ by at most ${greatest.toExponential(1)}, ` +
        `the greedy token is the same in ${sameGreedy}`,
    )
    .join('\n');
}

export function describeThreads(threads) {
  return threads === 1 ? '1 thread' : `${threads} threads`;
}

/** What the model costs per token, in numbers that do not depend on an engine. */
export function describeCounts(counts) {
  return (
    `  ${mega(counts.parameters)} M parameters; per token ${mega(counts.productFlops)} MFLOP in products, ` +
    `${mega(counts.stateUpdates, 2)} M state updates; the head ${mega(counts.headFlops)} MFLOP; ` +
    `decoding reads ${mega(counts.weightBytes)} MB of weights and ${mega(counts.stateBytes)} MB of state`
  );
}

function mega(value, digits = 1) {
  return (value / 1e6).toFixed(digits);
}

/**
 * Text table of results.
 *
 * @param names the competitors; skipscan is followed by the others, each with how many times as fast skipscan is
 * @param field of a result that holds its speeds by competitor
 * @param unit of those
 */
export function resultTable(results, names, field, unit) {
  const hasFloors = results.some((result) => result.floor !== undefined);
  const peers = names.filter((name) => name !== 'skipscan');
  const header = [
    unit,
    ...names.filter((name) => name === 'skipscan'),
    ...peers.flatMap((name) => [name, 'ratio']),
    ...(hasFloors ? ['floor', 'share'] : []),
    'other load',
  ];
  const rows = results.map((result) => [
    result.name,
    ...names.filter((name) => name === 'skipscan').map((name) => speed(result[field][name])),
    ...peers.flatMap((name) => [speed(result[field][name]), times(result.ratios[name])]),
    ...(hasFloors ? floorCells(result) : []),
    result.otherCores.max.toFixed(2),
  ]);
  return textTable(header, rows);
}

/** Columns of text, the first line their names. */
export function textTable(header, rows) {
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column].length)));
  return [header, ...rows]
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column])).join('   ')}`.trimEnd())
    .join('\n');
}

function floorCells({ floor, share }) {
  return [
    floor === undefined ? '' : floor.toFixed(0),
    share === undefined ? '' : `${(100 * share).toFixed(0)} %`,
  ];
}

function times(ratio) {
  return ratio === undefined ? '' : `${ratio.median.toFixed(2)}x${range(ratio, 2)}`;
}

function speed(summary) {
  return summary === undefined ? 'absent' : `${summary.median.toFixed(1)}${range(summary, 1)}`;
}

function range({ min, max }, digits) {
  return ` (${min.toFixed(digits)}..${max.toFixed(digits)})`;
}

/** Writes everything that was measured; makes the folder where it is missing. */
export function writeReport(file, report) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
}
