import type { Published } from '../published';
import { valueText as valueCell } from './format';
import { publishedTables } from './published-tables';
import type { Report, TaskReport } from './report';
import { type Axis, type Sweep, valueText } from './sweep';
import { metricTables, type Table, taskTables } from './tables';

/**
 * A report as a Markdown document.
 *
 * @param plots of each task, names of files beside the document
 * @param published what a paper says of a model of this shape
 */
export function reportMarkdown(
  report: Report,
  plots: Record<string, readonly string[]>,
  published?: Published,
): string {
  const parts = [
    '# What removing tokens costs',
    facts(report),
    `\`\`\`sh\n${report.command}\n\`\`\``,
    reading(report.sweep),
    ...report.tasks.flatMap((task) => taskPart(task, report.sweep, plots[task.task] ?? [])),
    ...(published ? publishedPart(published, report) : []),
  ];
  return `${parts.join('\n\n')}\n`;
}

function facts({ model, protocol, skipscan }: Report): string {
  const rows = [
    ['model', model.source],
    ['weights', `${model.fingerprint}, ${(model.parameters / 1e6).toFixed(2)} M parameters, ${model.dtype}`],
    ['shape', `${model.family}, ${model.layers} layers, d_model ${model.dModel}`],
    ...(protocol ? [['protocol', protocolText[protocol]]] : []),
    ['computed by', `skipscan ${skipscan}, ${model.backend} kernels`],
  ];
  return rows.map(([name, value]) => `- ${name}: ${value}`).join('\n');
}

const protocolText = {
  prefill:
    '`prefill`: the context is reduced alone, and what follows is scored from its state with nothing removed',
  paper:
    '`paper`: context and continuation are reduced in one pass and the last rows scored, our reading of arXiv 2410.14725',
};

function reading({ axes, oneAtATime }: Sweep): string {
  const fixed = axes.filter(({ values }) => values.length === 1);
  const varied = axes.filter(({ values }) => values.length > 1);
  const lines = [
    "Cuts are shares of the blocks' FLOPs, which a policy saves or up to a token more. With standard errors over samples; " +
      'differences (-) are taken sample by sample, so what makes a sample hard cancels out; bars in plots are the errors of the ' +
      'differences to dense.',
  ];
  const list = (some: Axis[]) =>
    some.map(({ name, values }) => `${name} ${values.map(valueText).join(', ')}`).join('; ');
  if (fixed.length > 0) lines.push(`For all policies that have the option: ${list(fixed)}.`);
  if (varied.length > 0) {
    lines.push(
      `Swept${oneAtATime ? ', one at a time' : ''}: ${list(varied)}. Where a row does not name one of these, it has the first value.`,
    );
  }
  return lines.join(' ');
}

function taskPart(task: TaskReport, sweep: Sweep, plots: readonly string[]): string[] {
  const dense = task.metrics.map(
    (metric) =>
      `${metric.name} ${valueCell(metric, task.dense.metrics[metric.name])}${metric.share ? ' per cent' : ''}`,
  );
  const tables = [
    ...task.metrics.flatMap((metric) => metricTables(task, sweep, metric)),
    ...taskTables(task, sweep),
  ];
  return [
    `## ${task.task}`,
    `${task.samples} samples; dense: ${dense.join(', ')}. Samples and options: ${task.digest.slice(0, 16)}.`,
    ...plots.map((file) => `![${task.task}](${file})`),
    ...tables.map(markdownTable),
  ];
}

function publishedPart(published: Published, { tasks, protocol }: Report): string[] {
  const measured = protocol ? ` Ours are measured under \`${protocol}\`.` : ' Ours are not fine-tuned.';
  const notes = published.kind === 'vision' ? published.notes : [];
  return [
    '## As published',
    `${published.source}, ${published.model}, a model of this shape. Measured there: ${published.protocol}.${measured}`,
    ...notes,
    ...publishedTables(published, tasks).map(markdownTable),
  ];
}

export function markdownTable({ title, columns, rows }: Table): string {
  return [
    `**${title}**`,
    '',
    row(['', ...columns]),
    row(['---', ...columns.map(() => '---:')]),
    ...rows.map(({ name, cells }) => row([name, ...cells])),
  ].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
