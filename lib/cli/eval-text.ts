import type { Metric, ReductionResult, Task, TaskResult } from '../evaluation';
import { publishedFor } from '../evaluation/published';
import { type Ours, publishedTables } from '../evaluation/report';
import { differenceText, percent, valueText } from '../evaluation/report/format';
import type { ModelConfig } from '../models/model-config';
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

/** What a paper reports of a model of this shape, with these results beside it; nothing where no paper does. */
export function publishedText(config: ModelConfig, results: readonly TaskResult[]): string {
  const published = publishedFor(config);
  if (!published) return '';
  const tables = publishedTables(published, results.map(oursOf)).map(({ title, columns, rows }) => {
    const lines = tableLines([['', ...columns], ...rows.map(({ name, cells }) => [name, ...cells])]);
    return `${title}\n\n${lines.join('\n')}\n\n`;
  });
  const notes = published.kind === 'vision' ? published.notes.map((note) => `${note}\n`) : [];
  return `${tables.join('')}${notes.join('')}Measured in ${published.source}: ${published.protocol}.\n\n`;
}

function oursOf({ task, results }: TaskResult): Ours {
  return {
    task,
    dense: results.find(({ reduction }) => !reduction),
    cells: results.flatMap(({ reduction, metrics }) => {
      const cut = reduction && 'flopsReduction' in reduction ? reduction.flopsReduction : undefined;
      return reduction && cut !== undefined ? [{ policy: reduction.name, cut, reduction, metrics }] : [];
    }),
  };
}
