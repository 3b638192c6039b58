import { difference, type Estimate, estimate } from '../statistics';
import type { Metric } from '../task';
import { differenceText, percent, unitOf, valueText as valueCell } from './format';
import { type Cell, isFirst, labelOf, same, type TaskReport } from './report';
import { type Axis, type Sweep, valueText } from './sweep';

/** Cells of text; what was not measured is empty. */
export type Table = { title: string; columns: string[]; rows: { name: string; cells: string[] }[] };

/** The tables of one metric that have something to compare. */
export function metricTables(task: TaskReport, { cuts, axes }: Sweep, metric: Metric): Table[] {
  const tables = [byCut(task, cuts, axes, metric)];
  for (const axis of axes) {
    if (axis.name === 'alignment')
      tables.push(...cuts.map((cut) => byNeighbour(task, cut, axes, axis, metric)));
    else tables.push(byAxis(task, cuts, axes, axis, metric));
  }
  return tables.filter(({ rows }) => rows.length > 0);
}

/** The tables of a task that are not about one metric. */
export function taskTables(task: TaskReport, { axes }: Sweep): Table[] {
  return [thresholds(task, axes), ...task.metrics.map((metric) => byLastTokens(task, metric))].filter(
    ({ rows }) => rows.length > 0,
  );
}

/** Every policy with the first value of every option, and dense. */
function byCut(task: TaskReport, cuts: readonly number[], axes: readonly Axis[], metric: Metric): Table {
  const first = task.cells.filter((cell) => isFirst(cell, axes));
  const names = [...new Set(first.map(({ policy }) => policy))];
  const cell = (name: string, cut: number) => first.find((each) => each.policy === name && each.cut === cut);
  return {
    title: `${metric.name} by the share of the blocks' FLOPs that is cut (${unitOf(metric)})`,
    columns: cuts.flatMap((cut) => [percent(cut), '- dense']),
    rows: [
      {
        name: 'dense',
        cells: cuts.flatMap(() => [valueCell(metric, task.dense.metrics[metric.name]), '']),
      },
      ...names.map((name) => ({
        name,
        cells: cuts.flatMap((cut) => valueAndDifference(metric, cell(name, cut))),
      })),
    ],
  };
}

/** Differences to dense for each value of an option, and to the first one; over seeds also their mean and spread. */
function byAxis(
  task: TaskReport,
  cuts: readonly number[],
  axes: readonly Axis[],
  axis: Axis,
  metric: Metric,
): Table {
  const of = differencesIn(metric);
  const rows = groupsOf(task.cells, axes, axis).flatMap(({ label, at }) => {
    const found = axis.values.map((value) => cuts.map((cut) => at(value, cut)));
    const shown = found.flatMap((cells, i) => {
      if (cells.every((cell) => cell === undefined)) return [];
      const name = `${label}, ${axis.name} ${valueText(axis.values[i])}`;
      const texts = cells.flatMap((cell, c) => [
        toDense(metric, cell),
        i === 0 ? '' : between(of, cell, found[0][c]),
      ]);
      return [{ name, cells: texts }];
    });
    if (axis.name !== 'seed') return shown;
    const spread = cuts.flatMap((_, c) => [
      spreadText(
        metric,
        found.map((cells) => cells[c]),
      ),
      '',
    ]);
    return [...shown, { name: `${label}, mean over seeds ± its error by seed`, cells: spread }];
  });
  return {
    title: `${metric.name} by ${axis.name}: difference to dense (${unitOf(metric)})`,
    columns: cuts.flatMap((cut) => [percent(cut), `- ${valueText(axis.values[0])}`]),
    rows,
  };
}

/** Differences to dense at one cut for each value of an option, and of each value to the one before. */
function byNeighbour(
  task: TaskReport,
  cut: number,
  axes: readonly Axis[],
  axis: Axis,
  metric: Metric,
): Table {
  const of = differencesIn(metric);
  const names = axis.values.map(valueText);
  return {
    title: `${metric.name} by ${axis.name} at a cut of ${percent(cut)}: difference to dense (${unitOf(metric)})`,
    columns: [...names, ...names.slice(1).map((name, i) => `${name} - ${names[i]}`)],
    rows: groupsOf(
      task.cells.filter((cell) => cell.cut === cut),
      axes,
      axis,
    ).map(({ label, at }) => {
      const cells = axis.values.map((value) => at(value, cut));
      return {
        name: label,
        cells: [
          ...cells.map((cell) => toDense(metric, cell)),
          ...cells.slice(1).map((cell, i) => between(of, cell, cells[i])),
        ],
      };
    }),
  };
}

/** The thresholds that were set for each cut. */
function thresholds({ cells }: TaskReport, axes: readonly Axis[]): Table {
  return {
    title: "Thresholds of ltmp, and the share of the blocks' FLOPs that they save",
    columns: ['pruneBelow', 'mergeAbove', 'saved'],
    rows: cells.flatMap((cell) =>
      cell.reduction.name === 'ltmp'
        ? [
            {
              name: `${labelOf(cell, axes)}, for ${percent(cell.cut)}`,
              cells: [
                String(cell.reduction.pruneBelow),
                String(cell.reduction.mergeAbove),
                percent(cell.saved, 2),
              ],
            },
          ]
        : [],
    ),
  };
}

function byLastTokens({ lastTokens }: TaskReport, metric: Metric): Table {
  return {
    title: `${metric.name} of the dense model given no more of a prompt than its last tokens (${unitOf(metric)})`,
    columns: [metric.name, '- all of it'],
    rows: lastTokens.map(({ tokens, metrics, difference }) => ({
      name: `${tokens} tokens`,
      cells: [valueCell(metric, metrics[metric.name]), differenceText(metric, difference[metric.name])],
    })),
  };
}

/** Cells that differ in one option only; those of which there is more than one. */
function groupsOf(cells: readonly Cell[], axes: readonly Axis[], axis: Axis) {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells) {
    if (cell.options[axis.name] === undefined) continue;
    const label = labelOf(cell, axes, axis.name);
    groups.set(label, [...(groups.get(label) ?? []), cell]);
  }
  return [...groups]
    .filter(([, group]) => new Set(group.map(({ options }) => valueText(options[axis.name]))).size > 1)
    .map(([label, group]) => ({
      label,
      at: (value: Axis['values'][number], cut: number) =>
        group.find((cell) => cell.cut === cut && same(cell.options[axis.name], value)),
    }));
}

function valueAndDifference(metric: Metric, cell?: Cell): [string, string] {
  return cell ? [valueCell(metric, cell.metrics[metric.name]), toDense(metric, cell)] : ['', ''];
}

function toDense(metric: Metric, cell?: Cell): string {
  return cell ? differenceText(metric, cell.difference[metric.name]) : '';
}

type Difference = (a: Cell, b: Cell) => string;

function differencesIn(metric: Metric): Difference {
  return (a, b) => differenceText(metric, difference(metric, a.values[metric.name], b.values[metric.name]));
}

function between(of: Difference, a?: Cell, b?: Cell): string {
  return a && b ? of(a, b) : '';
}

/** The error is that of the mean of so many draws, whatever the samples. */
function spreadText(metric: Metric, cells: readonly (Cell | undefined)[]): string {
  const found = cells.flatMap((cell): Estimate[] => (cell ? [cell.difference[metric.name]] : []));
  if (found.length === 0) return '';
  return differenceText(metric, estimate(found.map(({ mean }) => mean)));
}
