import { type Published, type PublishedRow, policyOfMethod } from '../published';
import type { Estimate } from '../statistics';
import { percent } from './format';
import type { Cell, TaskReport } from './report';
import type { Table } from './tables';

/** The tasks of the mean accuracy, and which accuracy: normalised where lm-evaluation-harness is usually quoted so. */
const averaged: Record<string, string> = {
  lambada_openai: 'acc',
  hellaswag: 'acc_norm',
  piqa: 'acc',
  arc_easy: 'acc',
  arc_challenge: 'acc_norm',
  winogrande: 'acc',
};

/** A paper's figures, with ours beside them where the tasks that they are made of were measured. */
export function publishedTables(published: Published, tasks: readonly TaskReport[] = []): Table[] {
  const main =
    published.kind === 'language' ? languageTable(published.rows, tasks) : visionTable(published.rows, tasks);
  const ablations = published.kind === 'language' ? published.ablations : [];
  return [
    ...(main.rows.length > 0 ? [{ ...main, title: `${published.model} in ${published.source}` }] : []),
    ...ablations.map(({ title, rows }) => ({
      title: `${published.model} in ${published.source}: UTRC by ${title[0].toLowerCase()}${title.slice(1)}`,
      columns: ['LAMBADA perplexity', 'average accuracy'],
      rows: rows.map(({ name, perplexity, average }) => ({
        name,
        cells: [perplexity === undefined ? '' : String(perplexity), `${average} %`],
      })),
    })),
  ];
}

function languageTable(rows: readonly PublishedRow[], tasks: readonly TaskReport[]): Omit<Table, 'title'> {
  return {
    columns: ['LAMBADA perplexity', 'ours', 'average accuracy', 'ours'],
    rows: rows.map(({ method, cut, perplexity, average }) => {
      const found = (task: string) => measured(tasks, task, method, cut);
      const ours = found('lambada_openai')?.perplexity;
      const accuracies = Object.entries(averaged).map(([task, metric]) => found(task)?.[metric]?.mean);
      const known = accuracies.filter((mean) => mean !== undefined);
      const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
      return {
        name: cut === undefined ? method : `${method}, ${percent(cut)}`,
        cells: [
          String(perplexity),
          ours ? ours.mean.toFixed(2) : '',
          `${average} %`,
          known.length === accuracies.length ? percent(mean) : '',
        ],
      };
    }),
  };
}

/** How ours compare with methods that were fine-tuned cannot be said method by method: dense is all that is put beside. */
function visionTable(
  rows: readonly { method: string; top1: number }[],
  tasks: readonly TaskReport[],
): Omit<Table, 'title'> {
  const dense = tasks.find(({ task }) => task === 'images')?.dense.metrics.top1;
  return {
    columns: ['top-1', 'ours'],
    rows: rows.map(({ method, top1 }) => ({
      name: method,
      cells: [`${top1} %`, method === 'dense' && dense ? percent(dense.mean) : ''],
    })),
  };
}

/** Ours with the method's policy at the same cut: EViT aligns nothing, so its policy is taken without alignment where it was measured. */
function measured(
  tasks: readonly TaskReport[],
  name: string,
  method: PublishedRow['method'],
  cut?: number,
): Record<string, Estimate> | undefined {
  const task = tasks.find(({ task }) => task === name);
  if (method === 'dense' || cut === undefined) return task?.dense.metrics;
  const cells =
    task?.cells.filter((cell) => cell.policy === policyOfMethod[method] && cell.cut === cut) ?? [];
  const unaligned = (cell: Cell) => 'alignment' in cell.reduction && cell.reduction.alignment === 'none';
  return (cells.find(unaligned) ?? cells[0])?.metrics;
}
