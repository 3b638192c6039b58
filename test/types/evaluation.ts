import { expectTypeOf } from 'expect-type';
import {
  type Estimate,
  type LanguageModel,
  type LanguageTaskName,
  languageTask,
  type Measured,
  type Metric,
  type Policy,
  type ReductionResult,
  type RunOptions,
  runTask,
  type Task,
  type TaskResult,
} from 'skipscan';

declare const model: LanguageModel;
declare const policy: Policy;

expectTypeOf<LanguageTaskName>().toEqualTypeOf<
  'lambada_openai' | 'hellaswag' | 'piqa' | 'arc_easy' | 'arc_challenge' | 'winogrande'
>();
expectTypeOf(languageTask(model, 'piqa', { data: 'piqa.jsonl', limit: 10 })).resolves.toEqualTypeOf<Task>();
// @ts-expect-error a task that there is not
languageTask(model, 'mmlu');

expectTypeOf(runTask).toEqualTypeOf<(task: Task, o?: RunOptions) => Promise<TaskResult>>();
expectTypeOf<TaskResult['results']>().toEqualTypeOf<ReductionResult[]>();
expectTypeOf<ReductionResult['metrics']>().toEqualTypeOf<Record<string, Estimate>>();
expectTypeOf<ReductionResult['difference']>().toEqualTypeOf<Record<string, Estimate> | undefined>();
expectTypeOf<Metric['aggregate']>().toEqualTypeOf<'mean' | 'perplexity'>();

// A task of one's own.
const own: Task = {
  name: 'own',
  samples: 3,
  metrics: [{ name: 'acc', aggregate: 'mean', better: 'higher', share: true }],
  digest: 'abc',
  measure: async (first, last, { reduction }): Promise<Measured> => {
    expectTypeOf(reduction).toEqualTypeOf<Policy | undefined>();
    return { values: Array(last - first).fill({ acc: 1 }), flops: 1, denseFlops: 1 };
  },
  saved: async () => 0,
};
runTask(own, { reductions: [undefined, policy], journal: { file: 'run.jsonl', identity: { seed: 1 } } });
// @ts-expect-error a journal says whose it is
runTask(own, { journal: { file: 'run.jsonl' } });
