import { writeWhole } from '../atomic-file';
import type { Benchmark } from './bench';
import { benchmarkOptions, contendersFor, contendersFrom } from './bench-policies';
import { numberOption, wholeNumberOption } from './command';
import { machineFacts } from './machine';
import { loadFromOptions, modelOptions } from './model';
import { Progress } from './progress';
import { randomTokens } from './random-tokens';
import { benchmarkReduction } from './reduction-bench';
import { policyOptionTable, reductionNames } from './reduction-options';
import { benchmarkPlot, benchmarkTable } from './reduction-tables';

const { tokenizer: _tokenizer, ...loadOptions } = modelOptions;

/** `skipscan bench reduce`. */
export const benchReduce: Benchmark = {
  of: 'what removing tokens of prompts saves',
  options: {
    ...loadOptions,
    length: { type: 'string', value: 'N', help: 'Tokens of the prompt, drawn at random. Defaults to 2048.' },
    seed: { type: 'string', value: 'N', help: 'Of the prompt. Defaults to 0.' },
    ...benchmarkOptions,
    plot: {
      type: 'string',
      value: 'FILE',
      help: 'Draw time and divergence against the FLOPs saved, as SVG.',
    },
  },

  async run(values) {
    const length = wholeNumberOption(values, 'length', 1) ?? 2048;
    const rounds = wholeNumberOption(values, 'rounds', 1) ?? 5;
    const seed = wholeNumberOption(values, 'seed', 0) ?? 0;
    const makers = contendersFrom(values, {
      policies: reductionNames.filter((name) => policyOptionTable.flops.of.includes(name)),
      cuts: [0.1, 0.2, 0.3],
    });
    await using model = await loadFromOptions(values);
    const contenders = contendersFor(makers, model.config);

    const machine = machineFacts(model, numberOption(values, 'threads'));
    const progress = new Progress('measuring', (runs) => `${runs} runs`);
    const result = await benchmarkReduction(
      model,
      randomTokens(model.config, length, seed),
      contenders,
      rounds,
      (done, total) => progress.update(done, total),
    ).finally(() => progress.end());
    const report = {
      model: model.source,
      family: model.config.family,
      layers: model.config.layers,
      dModel: model.config.dModel,
      dtype: model.dtype,
      ...machine,
      length,
      seed,
      rounds,
      ...result,
    };
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : benchmarkTable(report));
    if (values.plot !== undefined) await writeWhole(values.plot as string, benchmarkPlot(report));
  },
};
