/**
 * Running a data set through a model, under several reductions at once, so that it can be interrupted.
 *
 * @module evaluation
 */
export {
  type DataOptions,
  type Estimate,
  type JournalHeader,
  type LanguageTaskName,
  type LanguageTaskOptions,
  languageTask,
  type Measured,
  type Metric,
  type ReductionResult,
  type RunOptions,
  runTask,
  type SampleValues,
  type Task,
  type TaskResult,
} from '../evaluation';
