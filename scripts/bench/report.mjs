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
    `  ${name} ${version} (${engine}), ${dtype} weights, ${threads} threads: ` +
    `loaded in ${seconds.toFixed(2)} s, ${mega(residentBytes, 0)} MB resident`
  );
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
 * Text table of one model's results.
 *
 * @param field of a result that holds its speeds by competitor
 * @param unit of those
 */
export function resultTable(results, names, field, unit) {
  const hasFloors = results.some((result) => 'floor' in result);
  const header = [unit, ...names, 'ratio', ...(hasFloors ? ['floor', 'share'] : []), 'other load'];
  const rows = results.map((result) => [
    result.name,
    ...names.map((name) => speed(result[field][name])),
    result.ratio === undefined ? '' : `${result.ratio.median.toFixed(2)}x${range(result.ratio, 2)}`,
    ...(hasFloors ? floorCells(result) : []),
    result.otherCores.max.toFixed(2),
  ]);
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

function speed(summary) {
  return summary === undefined ? 'absent' : `${summary.median.toFixed(1)}${range(summary, 1)}`;
}

function range({ min, max }, digits) {
  return ` (${min.toFixed(digits)}..${max.toFixed(digits)})`;
}
