import { type Command, choiceOption, positionalsOf, UsageError } from './command';
import { loadFromOptions, modelOptions } from './model';
import { reductionFromOptions } from './reduction';
import { reductionOptions } from './reduction-options';
import { describeReduction, reportReduction } from './reduction-report';

export const score: Command = {
  usage: 'score [options] CONTEXT CONTINUATION',
  summary: 'Prints the log-probability of a continuation, given its context.',
  options: {
    ...modelOptions,
    ...reductionOptions,
    protocol: {
      type: 'string',
      value: 'prefill|paper',
      help: 'Reduce the context alone, or both in one pass as arXiv 2410.14725 does. Defaults to prefill.',
    },
  },

  async run(positionals, values) {
    const [context, continuation] = positionalsOf(positionals, ['a context', 'a continuation']);
    const makePolicy = reductionFromOptions(values);
    const protocol = choiceOption(values, 'protocol', ['prefill', 'paper']);
    if (protocol && !makePolicy) throw new UsageError('Received --protocol without --reduce.');
    await using model = await loadFromOptions(values);
    const policy = makePolicy?.(model.config);
    const { logprobs, total, greedy } = await model.score(context, continuation, {
      reduction: policy,
      protocol,
    });
    // What was read in one pass, by the rules of model.score().
    const encode = (text: string) => model.tokenizer!.encode(text);
    const read =
      protocol === 'paper' ? encode(context + continuation).subarray(0, -1) : encode(context.trimEnd());
    const reduction = policy && (await reportReduction(model, policy, read));
    if (values.json) {
      const report = { model: model.source, total, greedy, logprobs: [...logprobs], reduction };
      process.stdout.write(`${JSON.stringify(report)}\n`);
      return;
    }
    process.stdout.write(
      `log-probability  ${total.toFixed(4)}\n` +
        `tokens           ${logprobs.length}\n` +
        `perplexity       ${Math.exp(-total / logprobs.length).toFixed(3)}\n` +
        `greedy           ${greedy ? 'yes' : 'no'}\n`,
    );
    if (reduction) process.stdout.write(`reduction        ${describeReduction(reduction)}\n`);
  },
};
