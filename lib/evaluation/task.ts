import type { Policy } from '../reduction';

/** What a model does with one sample, such as `{ acc: 1, acc_norm: 0 }`. Every sample of a task has the same names. */
export type SampleValues = Readonly<Record<string, number>>;

/** How a metric is made of the samples' values of the same name. */
export type Metric = {
  /** Its name, such as `acc_norm`: the one that samples have their values under. */
  name: string;
  /** `mean` of the values, or `perplexity`: exp(-mean) of log-probabilities. */
  aggregate: 'mean' | 'perplexity';
  /** Which of two values is the better one. */
  better: 'higher' | 'lower';
  /** Whether values are shares, which are shown in per cent. */
  share: boolean;
};

/** Some samples, as one reduction leaves them. */
export type Measured = {
  /** In the order of the samples. */
  values: SampleValues[];
  /** Of the forward passes, the reduction's own work included. */
  flops: number;
  /** Of the same passes without a reduction. */
  denseFlops: number;
};

/** Samples, and how a model is measured on them. A task belongs to the model that it was made with. */
export type Task = {
  /** What the task is called in results and journals. */
  readonly name: string;
  /** Of the rules that samples are asked and counted by, where they are published. */
  readonly version?: string;
  /** How many samples there are. */
  readonly samples: number;
  /** What is measured of each sample. */
  readonly metrics: readonly Metric[];
  /** All that decides the values besides the model, its backend and the reduction: a hash of the samples and the task's options. */
  readonly digest: string;
  /**
   * Measures the samples from `first` up to `last`. Values do not depend on how samples are cut into calls. Whoever measures several
   * reductions asks for one range with each of them in turn, so that a task may keep what it has read for the range.
   */
  measure(first: number, last: number, o: { reduction?: Policy; signal?: AbortSignal }): Promise<Measured>;
  /**
   * The share of the blocks' FLOPs that a reduction saves in the passes that it works in, over every `step`-th sample (defaults to
   * each): what a policy's `flopsReduction` sets, and what thresholds are chosen by.
   */
  saved(reduction: Policy, o?: { step?: number; signal?: AbortSignal }): Promise<number>;
};
