import type { Benchmark } from './bench';
import { numberOption, wholeNumberOption, wholeNumbersOption } from './command';
import { machineFacts } from './machine';
import { loadFromOptions, modelOptions } from './model';
import { benchmarkModel, type ModelBenchmarkOptions, profileModel } from './model-bench';
import { modelTable } from './model-tables';
import { measureLimits } from './operator-floor';
import type { ProfileReport } from './profile-tables';
import { profileOption } from './profile-work';
import { Progress } from './progress';
import { randomTokens } from './random-tokens';
import { reductionFromOptions } from './reduction';
import { reductionOptions } from './reduction-options';
import { reportReduction } from './reduction-report';

const { tokenizer: _tokenizer, ...loadOptions } = modelOptions;

/** `skipscan bench model`. */
export const benchModel: Benchmark = {
  of: 'how fast a language model is',
  options: {
    ...loadOptions,
    length: { type: 'string', value: 'N', help: 'Tokens of the prompt, drawn at random. Defaults to 512.' },
    steps: { type: 'string', value: 'N', help: 'Tokens that are read one by one after it. Defaults to 64.' },
    batch: {
      type: 'string',
      value: 'LIST',
      help: 'How many sequences read them together, each its own. Defaults to 1.',
    },
    seed: { type: 'string', value: 'N', help: 'Of the prompt. Defaults to 0.' },
    rounds: { type: 'string', value: 'N', help: 'How often each is measured. Defaults to 5.' },
    ...reductionOptions,
    ...profileOption,
  },

  async run(values) {
    const length = wholeNumberOption(values, 'length', 1) ?? 512;
    const count = wholeNumberOption(values, 'steps', 1) ?? 64;
    const batches = wholeNumbersOption(values, 'batch', 1) ?? [1];
    const rounds = wholeNumberOption(values, 'rounds', 1) ?? 5;
    const seed = wholeNumberOption(values, 'seed', 0) ?? 0;
    const makePolicy = reductionFromOptions(values);

    const start = performance.now();
    await using model = await loadFromOptions(values);
    const loadMilliseconds = performance.now() - start;
    const policy = makePolicy?.(model.config);
    const tokens = randomTokens(model.config, length + count, seed);
    const prompt = tokens.subarray(0, length);
    {
      await using session = model.createSession({ reduction: policy });
      await session.prefill(prompt);
    }
    const firstTokenMilliseconds = performance.now() - start;

    const machine = machineFacts(model, numberOption(values, 'threads'));
    const progress = new Progress('measuring', (n) => `${n} runs`);
    const work: ModelBenchmarkOptions = {
      prompt,
      steps: tokens.subarray(length),
      batches,
      rounds,
      reduction: policy,
      onProgress: (done, total) => progress.update(done, total),
    };
    const speeds = await benchmarkModel(model, work).finally(() => progress.end());
    const profile: ProfileReport | undefined = values.profile
      ? {
          limits: await measureLimits(machine),
          profiles: await profileModel(model, work),
        }
      : undefined;
    const report = {
      model: model.source,
      family: model.config.family,
      layers: model.config.layers,
      dModel: model.config.dModel,
      dtype: model.dtype,
      activations: model.activations,
      parameters: model.parameterCount,
      ...machine,
      seed,
      rounds,
      reduction: policy && (await reportReduction(model, policy, prompt)),
      loadMilliseconds,
      firstTokenMilliseconds,
      ...speeds,
      profile,
    };
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : modelTable(report));
  },
};
