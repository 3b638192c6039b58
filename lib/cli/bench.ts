import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { listDevices } from '../device';
import type { LanguageModel } from '../models/language-model';
import { Random } from '../text/random';
import {
  type Command,
  listOption,
  numbersOption,
  positionalsOf,
  UsageError,
  type Values,
  wholeNumberOption,
} from './command';
import { loadFromOptions, modelOptions } from './model';
import { Progress } from './progress';
import { checkBelonging, type PolicyMaker, policyFromOptions } from './reduction';
import { benchmarkReduction, type Contender } from './reduction-bench';
import { policyOptions, type ReductionName, reductionNames } from './reduction-options';
import { benchmarkPlot, benchmarkTable } from './reduction-tables';

const { tokenizer: _tokenizer, ...loadOptions } = modelOptions;
const { keep: _keep, ...sharedOptions } = policyOptions;

export const bench: Command = {
  usage: 'bench reduce [options]',
  summary: 'Measures what removing prompt tokens saves and what it changes.',
  options: {
    ...loadOptions,
    length: { type: 'string', value: 'N', help: 'Tokens of the prompt, drawn at random. Defaults to 2048.' },
    seed: { type: 'string', value: 'N', help: 'Of the prompt. Defaults to 0.' },
    rounds: { type: 'string', value: 'N', help: 'How often each is measured. Defaults to 5.' },
    policies: { type: 'string', value: 'LIST', help: 'Defaults to all but ltmp.' },
    ...sharedOptions,
    flops: {
      type: 'string',
      value: 'LIST',
      help: "Shares of the blocks' FLOPs to save. Defaults to 0.1,0.2,0.3.",
    },
    plot: {
      type: 'string',
      value: 'FILE',
      help: 'Draw time and divergence against the FLOPs saved, as SVG.',
    },
  },

  async run(positionals, values) {
    const [name] = positionalsOf(positionals, ['reduce, the benchmark to run']);
    if (name !== 'reduce') throw new UsageError(`Expected reduce as the benchmark but received '${name}'.`);
    const length = wholeNumberOption(values, 'length', 1) ?? 2048;
    const rounds = wholeNumberOption(values, 'rounds', 1) ?? 5;
    const seed = wholeNumberOption(values, 'seed', 0) ?? 0;
    const makers = policyMakers(values);
    await using model = await loadFromOptions(values);
    const contenders = makers.map(({ name, make }): Contender => ({ name, policy: make(model.config) }));

    const loadAverage = os.loadavg()[0];
    const progress = new Progress('measuring', (runs) => `${runs} runs`);
    const result = await benchmarkReduction(
      model,
      randomTokens(model, length, seed),
      contenders,
      rounds,
      (done, total) => progress.update(done, total),
    ).finally(() => progress.end());
    const report = {
      model: model.source,
      family: model.config.family,
      layers: model.config.layers,
      dModel: model.config.dModel,
      backend: model.backend,
      dtype: model.dtype,
      device: model.device,
      ...(model.device === 'cpu' && { threads: Number(values.threads ?? os.availableParallelism()) }),
      machine: listDevices().find(({ id }) => id === model.device)!.name,
      loadAverage,
      length,
      seed,
      rounds,
      ...result,
    };
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : benchmarkTable(report));
    if (values.plot !== undefined) writeFileSync(values.plot as string, benchmarkPlot(report));
  },
};

/** Every policy with every share of FLOPs to save; `ltmp`, which has thresholds instead, once. */
function policyMakers(values: Values): { name: ReductionName; make: PolicyMaker }[] {
  const names = policyNamesFrom(values);
  checkBelonging(values, names);
  const cuts = numbersOption(values, 'flops') ?? [0.1, 0.2, 0.3];
  return names.flatMap((name) => {
    const amounts = name === 'ltmp' ? [undefined] : cuts.map(String);
    return amounts.map((flops) => ({ name, make: policyFromOptions(name, { ...values, flops }) }));
  });
}

function policyNamesFrom(values: Values): ReductionName[] {
  const given = listOption(values, 'policies');
  if (given === undefined) return reductionNames.filter((name) => name !== 'ltmp' && name !== 'released-top');
  const unknown = given.find((name) => !reductionNames.includes(name as ReductionName));
  if (unknown !== undefined) {
    throw new UsageError(
      `Expected some of ${reductionNames.join(', ')} for --policies but received '${unknown}'.`,
    );
  }
  return given as ReductionName[];
}

function randomTokens({ config }: LanguageModel, length: number, seed: number): Int32Array {
  const random = new Random(seed);
  return Int32Array.from({ length }, () => Math.floor(random.next() * config.vocabSize));
}
