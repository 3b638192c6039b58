import type { Policy } from '../../reduction';
import type { ReductionResult, TaskResult } from '../run-task';
import { difference, type Estimate } from '../statistics';
import type { Metric, Task } from '../task';
import { type Axis, type AxisValue, type Point, type Sweep, type SweptPolicy, valueText } from './sweep';

/** What a sweep has found: all that is in report.json. Nothing in it differs between two runs on one machine and backend. */
export type Report = {
  /** The version of this package. */
  skipscan: string;
  /** What was typed, without the folder that it is written to. */
  command: string;
  model: ReportedModel;
  /** Of language models. */
  protocol?: 'prefill' | 'paper';
  sweep: Sweep;
  tasks: TaskReport[];
};

export type ReportedModel = {
  source: string;
  /** A hash of the weights. */
  fingerprint: string;
  family: string;
  layers: number;
  dModel: number;
  parameters: number;
  dtype: string;
  backend: string;
};

export type TaskReport = {
  task: string;
  digest: string;
  samples: number;
  metrics: readonly Metric[];
  dense: Measurement;
  /** In the order of the sweep's points. */
  cells: Cell[];
  /** What the dense model makes of the prompts' last tokens only. */
  lastTokens: (Measurement & { tokens: number; difference: Record<string, Estimate> })[];
};

export type Measurement = {
  metrics: Record<string, Estimate>;
  /** Sample by sample. */
  values: Record<string, number[]>;
};

/** One point of the sweep. */
export type Cell = Measurement & {
  policy: SweptPolicy;
  cut: number;
  /** The options that were swept and make a difference to the policy. */
  options: Record<string, AxisValue>;
  reduction: Policy;
  /** The share of the blocks' FLOPs that was saved in the passes that are reduced, the reduction's own work not counted. */
  saved: number;
  /** FLOPs of everything, what is not reduced and the reduction itself included, as a share of dense. */
  flopsRatio: number;
  /** To dense, sample by sample. */
  difference: Record<string, Estimate>;
};

/** What a run is asked for: dense, then every policy of the points once. */
export function distinct(policies: readonly Policy[]): (Policy | undefined)[] {
  return [undefined, ...new Map(policies.map((policy) => [JSON.stringify(policy), policy])).values()];
}

/**
 * The results of a run by the points of the sweep.
 *
 * @param policies one for each point
 * @param result of a run over `distinct(policies)`
 * @param saved of each policy of that list but the dense model
 */
export function taskReport(
  task: Pick<Task, 'metrics'>,
  { axes }: Pick<Sweep, 'axes'>,
  points: readonly Point[],
  policies: readonly Policy[],
  result: TaskResult,
  saved: readonly number[],
): TaskReport {
  const [dense, ...reduced] = result.results;
  const places = new Map(reduced.map(({ reduction }, i) => [JSON.stringify(reduction), i]));
  return {
    task: result.task,
    digest: result.digest,
    samples: result.samples,
    metrics: task.metrics,
    dense: measurementOf(dense),
    cells: points.map((point, i) => {
      const place = places.get(JSON.stringify(policies[i]))!;
      return {
        policy: point.policy,
        cut: point.cut,
        options: Object.fromEntries(chosen(point, axes)),
        reduction: policies[i],
        saved: saved[place],
        flopsRatio: reduced[place].flopsRatio,
        ...measurementOf(reduced[place]),
        difference: differences(task.metrics, reduced[place].values, dense.values),
      };
    }),
    lastTokens: [],
  };
}

/** What is left of the prompts, and what that costs. */
export function lastTokensReport(
  { metrics, dense }: Pick<TaskReport, 'metrics' | 'dense'>,
  tokens: number,
  { results: [found] }: TaskResult,
): TaskReport['lastTokens'][number] {
  return {
    tokens,
    ...measurementOf(found),
    difference: differences(metrics, found.values, dense.values),
  };
}

function chosen({ at }: Point, axes: readonly Axis[]): [name: string, value: AxisValue][] {
  return axes
    .filter(({ name }) => at[name] !== undefined)
    .map(({ name, values }) => [name, values[at[name]]]);
}

function measurementOf({ metrics, values }: ReductionResult): Measurement {
  return { metrics, values };
}

function differences(
  metrics: readonly Metric[],
  a: Record<string, number[]>,
  b: Record<string, number[]>,
): Record<string, Estimate> {
  return Object.fromEntries(
    metrics.map((metric) => [metric.name, difference(metric, a[metric.name], b[metric.name])]),
  );
}

/** Whether a cell has the first value of every option, the one named apart. */
export function isFirst({ options }: Cell, axes: readonly Axis[], except?: string): boolean {
  return axes.every(
    ({ name, values }) => name === except || options[name] === undefined || same(options[name], values[0]),
  );
}

/** The policy with those options that are not at their first value, the one that a table is by left out. */
export function labelOf({ policy, options }: Cell, axes: readonly Axis[], without?: string): string {
  const others = axes.filter(
    ({ name, values }) => name !== without && options[name] !== undefined && !same(options[name], values[0]),
  );
  return [policy, ...others.map(({ name }) => `${name} ${valueText(options[name])}`)].join(', ');
}

export function same(a: AxisValue | undefined, b: AxisValue): boolean {
  return a !== undefined && valueText(a) === valueText(b);
}
