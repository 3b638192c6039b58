import path from 'node:path';
import { SkipscanError } from '../../errors';
import { isVision, type ModelConfig } from '../../models/model-config';
import { tokensOf } from '../../models/vision-grid';
import { type Policy, resolvePolicy } from '../../reduction';
import type { JournalHeader } from '../journal';
import { runTask } from '../run-task';
import type { Task } from '../task';
import { policiesAt } from './policies';
import { distinct, lastTokensReport, type TaskReport, taskReport } from './report';
import { pointsOf, type Sweep } from './sweep';

/** A task, and the same samples with no more of their prompts than the last tokens, which the dense model alone is given. */
export type SweptTask = { task: Task; lastTokens?: readonly { tokens: number; task: Task }[] };

export type SweepOptions = {
  /** Samples that are measured in one piece. */
  batchSize: number;
  /** Where journals are kept: what is done is not done again when a sweep that was interrupted is run again. */
  journals: { folder: string; identity: JournalHeader };
  /** Called with what is being done, and how much of it is: samples, each once for every policy, or policies being set. */
  onProgress?: (stage: string, done: number, total: number) => void;
  signal?: AbortSignal;
};

/**
 * Measures a task at every point of a sweep, each policy once.
 *
 * @throws SkipscanError `ERR_ARGUMENT` for a policy that does not fit the model, before anything is measured
 */
export async function runSweep(
  { task, lastTokens = [] }: SweptTask,
  sweep: Sweep,
  config: ModelConfig,
  o: SweepOptions,
): Promise<TaskReport> {
  const { signal } = o;
  const points = pointsOf(sweep);
  const saved = savedBy(task);
  const policies = await policiesAt(points, sweep.axes, config, {
    saved: (policy, step) => {
      checkFit(policy, config);
      return saved(policy, { step, signal });
    },
    samples: task.samples,
    onProgress: (done, total) => o.onProgress?.(`${task.name}: setting policies`, done, total),
  });
  for (const policy of policies) checkFit(policy, config);

  const run = (each: Task, stage: string, reductions?: readonly (Policy | undefined)[]) =>
    runTask(each, {
      reductions,
      batchSize: o.batchSize,
      journal: { file: journalFile(o, stage), identity: o.journals.identity },
      onProgress: (done, total) => o.onProgress?.(stage, done, total),
      signal,
    });
  const reductions = distinct(policies);
  const result = await run(task, task.name, reductions);
  const shares: number[] = [];
  for (const policy of reductions) if (policy) shares.push(await saved(policy, { signal }));
  const report = taskReport(task, sweep, points, policies, result, shares);
  for (const { tokens, task: shorter } of lastTokens) {
    const found = await run(shorter, `${task.name}, last ${tokens} tokens`);
    report.lastTokens.push(lastTokensReport(report, tokens, found));
  }
  return report;
}

/** @param stage as `onProgress` is told it */
function journalFile({ journals }: SweepOptions, stage: string): string {
  return path.join(journals.folder, `${stage.replaceAll(/[^\w-]+/g, '-')}.journal.jsonl`);
}

/** The journals of a sweep, to be removed when its report is stored. */
export function journalsOf({ task, lastTokens = [] }: SweptTask, o: SweepOptions): string[] {
  const stages = [task.name, ...lastTokens.map(({ tokens }) => `${task.name}, last ${tokens} tokens`)];
  return stages.map((stage) => journalFile(o, stage));
}

function savedBy(task: Task): NonNullable<Task['saved']> {
  if (task.saved) return task.saved.bind(task);
  throw new SkipscanError(
    'ERR_ARGUMENT',
    `The task ${task.name} cannot tell what a policy saves, so it cannot be swept over.`,
  );
}

/** A language model's prompts may be of any length: a long one stands for them. */
function checkFit(policy: Policy, config: ModelConfig): void {
  const length = isVision(config) ? tokensOf(config, config.grid[0] * config.grid[1]) : 4096;
  resolvePolicy(policy, config, length);
}
