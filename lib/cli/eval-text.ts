import type { Metric, ReductionResult, Task, TaskResult } from '../evaluation';
import { differenceText, percent, valueText } from '../evaluation/report/format';
import { tableLines } from './table';

/** A result as a table: a line for the model as it is, one with the reduction, and the difference where there are both. */
export function resultText(
  { metrics }: Pick<Task, 'metrics'>,
  { task, samples, results }: TaskResult,
): string {
  const heading = ({ name, share }: Metric) => (share ? `${name}, %` : name);
  const row = ({ reduction, metrics: found, flopsRatio }: ReductionResult) => [
    reduction?.name ?? 'dense',
    ...metrics.map((metric) => valueText(metric, found[metric.name])),
    percent(flopsRatio),
  ];
  const differences = results.flatMap(({ difference }) =>
    difference
      ? [['difference', ...metrics.map((metric) => differenceText(metric, difference[metric.name])), '']]
      : [],
  );
  const rows = [['', ...metrics.map(heading), 'FLOPs'], ...results.map(row), ...differences];
  return `${task}: ${samples} samples\n\n${tableLines(rows).join('\n')}\n`;
}
