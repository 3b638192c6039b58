// A task whose values are made up, and a sweep over it.
import { policiesAt } from '../../../../lib/evaluation/report/policies';
import { distinct, type TaskReport, taskReport } from '../../../../lib/evaluation/report/report';
import { pointsOf, type Sweep } from '../../../../lib/evaluation/report/sweep';
import { runTask } from '../../../../lib/evaluation/run-task';
import type { Metric, Task } from '../../../../lib/evaluation/task';
import { parseConfig } from '../../../../lib/models/config';
import type { Policy } from '../../../../lib/reduction';

export const config = parseConfig('config.json', {
  model_type: 'mamba2',
  hidden_size: 64,
  num_hidden_layers: 8,
  vocab_size: 100,
  state_size: 16,
  num_heads: 16,
  head_dim: 8,
  n_groups: 1,
});

export const acc: Metric = { name: 'acc', aggregate: 'mean', better: 'higher', share: true };
export const perplexity: Metric = {
  name: 'perplexity',
  aggregate: 'perplexity',
  better: 'lower',
  share: false,
};

/** Four samples. `valuesFrom` gives a sample's value of every metric. */
export function madeUpTask(
  metrics: readonly Metric[],
  valuesFrom: (sample: number, reduction?: Policy) => number,
  name = 'made-up',
): Task {
  return {
    name,
    samples: 4,
    metrics,
    digest: '0123456789abcdef0123',
    async measure(first, last, { reduction }) {
      const samples = Array.from({ length: last - first }, (_, i) => first + i);
      return {
        values: samples.map((sample) =>
          Object.fromEntries(metrics.map(({ name }) => [name, valuesFrom(sample, reduction)])),
        ),
        flops: (last - first) * (reduction ? 80 : 100),
        denseFlops: (last - first) * 100,
      };
    },
    saved: async (policy) => (policy.name === 'ltmp' ? Math.min(0.9, Math.max(0, policy.pruneBelow)) : 0.2),
  };
}

export async function madeUpReport(task: Task, sweep: Sweep): Promise<TaskReport> {
  const points = pointsOf(sweep);
  const policies = await policiesAt(points, sweep.axes, config, {
    saved: (policy) => task.saved(policy),
    samples: task.samples,
  });
  const reductions = distinct(policies);
  const result = await runTask(task, { reductions });
  return taskReport(
    task,
    sweep,
    points,
    policies,
    result,
    reductions.slice(1).map((_, i) => i / 100),
  );
}
