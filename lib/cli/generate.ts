import { readFileSync } from 'node:fs';
import { type Command, numberOption, positionalsOf } from './command';
import { loadFromOptions, modelOptions } from './model';
import { printable } from './printable';
import { reductionFromOptions } from './reduction';
import { reductionOptions } from './reduction-options';
import { describeReduction, reportReduction } from './reduction-report';

export const generate: Command = {
  usage: 'generate [options] PROMPT',
  summary: 'Continues a text and prints tokens per second.',
  options: {
    ...modelOptions,
    'max-new-tokens': { type: 'string', short: 'n', value: 'N', help: 'Defaults to 128.' },
    temperature: {
      type: 'string',
      short: 't',
      value: 'T',
      help: 'Defaults to 0: always the most likely token.',
    },
    'top-k': { type: 'string', value: 'K', help: 'Keep only the K most likely tokens.' },
    'top-p': { type: 'string', value: 'P', help: 'Keep the most likely tokens up to this probability.' },
    seed: { type: 'string', value: 'N', help: 'The same seed gives the same text.' },
    stop: {
      type: 'string',
      multiple: true,
      value: 'TEXT',
      help: 'End before this text. May be given several times.',
    },
    ...reductionOptions,
  },

  async run(positionals, values) {
    const [argument] = positionalsOf(positionals, ['a prompt (or - to read it from standard input)']);
    const prompt = argument === '-' ? readFileSync(0, 'utf8') : argument;
    const makePolicy = reductionFromOptions(values);
    await using model = await loadFromOptions(values);
    const policy = makePolicy?.(model.config);
    const promptTokens = model.tokenizer?.encode(prompt) ?? new Int32Array();
    const stopped = new AbortController();
    const interrupt = () => stopped.abort();
    process.once('SIGINT', interrupt);

    const isTerminal = process.stdout.isTTY === true;
    if (!values.json) process.stdout.write(prompt);
    const start = performance.now();
    let first = start;
    let text = '';
    const tokens: number[] = [];
    try {
      for await (const piece of model.generate(prompt, {
        maxNewTokens: numberOption(values, 'max-new-tokens') ?? 128,
        temperature: numberOption(values, 'temperature'),
        topK: numberOption(values, 'top-k'),
        topP: numberOption(values, 'top-p'),
        seed: numberOption(values, 'seed'),
        stop: values.stop as string[] | undefined,
        reduction: policy,
        signal: stopped.signal,
      })) {
        if (tokens.length === 0) first = performance.now();
        tokens.push(piece.token);
        text += piece.text;
        if (!values.json) process.stdout.write(isTerminal ? printable(piece.text) : piece.text);
      }
    } catch (error) {
      if (!stopped.signal.aborted) throw error;
    } finally {
      process.off('SIGINT', interrupt);
    }
    const end = performance.now();
    const reduction = policy && (await reportReduction(model, policy, promptTokens));
    const report = {
      model: model.source,
      backend: model.backend,
      dtype: model.dtype,
      promptTokens: promptTokens.length,
      prefillMilliseconds: first - start,
      newTokens: tokens.length,
      // The first token comes with the prefill.
      tokensPerSecond: tokens.length > 1 ? ((tokens.length - 1) * 1000) / (end - first) : 0,
      reduction,
    };
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ prompt, text, tokens, ...report })}\n`);
      return;
    }
    process.stdout.write('\n');
    process.stderr.write(
      `\n${report.promptTokens} prompt tokens in ${report.prefillMilliseconds.toFixed(0)} ms, ` +
        `then ${report.newTokens} tokens at ${report.tokensPerSecond.toFixed(0)} tokens/s ` +
        `(${report.backend}, ${report.dtype} weights)\n`,
    );
    if (reduction) process.stderr.write(`${describeReduction(reduction)}\n`);
  },
};
