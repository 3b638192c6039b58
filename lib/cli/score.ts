import { type Command, positionalsOf } from './command';
import { loadFromOptions, modelOptions } from './model';

export const score: Command = {
  usage: 'score [options] CONTEXT CONTINUATION',
  summary: 'Prints the log-probability of a continuation, given its context.',
  options: { ...modelOptions },

  async run(positionals, values) {
    const [context, continuation] = positionalsOf(positionals, ['a context', 'a continuation']);
    await using model = await loadFromOptions(values);
    const { logprobs, total, greedy } = await model.score(context, continuation);
    if (values.json) {
      process.stdout.write(
        `${JSON.stringify({ model: model.source, total, greedy, logprobs: [...logprobs] })}\n`,
      );
      return;
    }
    process.stdout.write(
      `log-probability  ${total.toFixed(4)}\n` +
        `tokens           ${logprobs.length}\n` +
        `perplexity       ${Math.exp(-total / logprobs.length).toFixed(3)}\n` +
        `greedy           ${greedy ? 'yes' : 'no'}\n`,
    );
  },
};
