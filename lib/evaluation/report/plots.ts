import { linePlots, type Panel, type Series } from '../../plot/line-plots';
import type { Metric } from '../task';
import { unitOf } from './format';
import { type Cell, isFirst, same, type TaskReport } from './report';
import { type Axis, type Sweep, valueText } from './sweep';

/**
 * SVG documents of one task by their file names: values against the cut, where there is more than one. Error bars are those of the
 * difference to dense, which is what lines are to be compared with.
 */
export function taskPlots(task: TaskReport, sweep: Sweep): Record<string, string> {
  const plots: Record<string, string> = {};
  if (sweep.cuts.length < 2) return plots;
  const first = task.cells.filter((cell) => isFirst(cell, sweep.axes));
  plots[`${task.task}.svg`] = linePlots(
    task.metrics.map((metric) =>
      panelOf(
        task,
        metric,
        metric.name,
        linesBy(first, metric, ({ policy }) => policy),
      ),
    ),
  );
  const [metric] = task.metrics;
  for (const axis of sweep.axes) {
    const panels = axisPanels(task, sweep, axis, metric);
    if (panels.length > 0) plots[`${task.task}-${axis.name}.svg`] = linePlots(panels);
  }
  return plots;
}

/** A panel for each policy that was measured with several values of an option, and a line for each value. */
function axisPanels(task: TaskReport, { axes, policies }: Sweep, axis: Axis, metric: Metric): Panel[] {
  return policies.flatMap((policy) => {
    const cells = task.cells.filter(
      (cell) =>
        cell.policy === policy && cell.options[axis.name] !== undefined && isFirst(cell, axes, axis.name),
    );
    const measured = axis.values.filter((value) =>
      cells.some((cell) => same(cell.options[axis.name], value)),
    );
    if (measured.length < 2) return [];
    const lines = linesBy(cells, metric, (cell) => valueText(cell.options[axis.name]));
    return [panelOf(task, metric, `${policy}: ${metric.name} by ${axis.name}`, lines)];
  });
}

function panelOf(task: TaskReport, metric: Metric, title: string, series: Series[]): Panel {
  const cuts = task.cells.map(({ cut }) => 100 * cut);
  const dense = scaled(metric, task.dense.metrics[metric.name].mean);
  const reference: Series = {
    name: 'dense',
    dashed: true,
    points: [
      [0, dense],
      [Math.max(...cuts), dense],
    ],
  };
  return {
    title,
    xLabel: "blocks' FLOPs cut (%)",
    yLabel: unitOf(metric),
    yScale: metric.aggregate === 'perplexity' ? 'log' : 'fitted',
    series: [...series, reference],
  };
}

function linesBy(cells: readonly Cell[], metric: Metric, nameOf: (cell: Cell) => string): Series[] {
  return [...new Set(cells.map(nameOf))].map((name) => ({
    name,
    points: cells
      .filter((cell) => nameOf(cell) === name)
      .map(({ cut, metrics, difference }) => {
        const { mean } = metrics[metric.name];
        const { standardError } = difference[metric.name];
        return [100 * cut, scaled(metric, mean), scaled(metric, standardError)] as const;
      }),
  }));
}

const scaled = ({ share }: Metric, value: number) => (share ? 100 * value : value);
