import { createHash } from 'node:crypto';
import { invalidArgument, SkipscanError } from '../../errors';
import { needTokenizer } from '../../models/arguments';
import type { LanguageModel } from '../../models/language-model';
import type { ScoreOptions } from '../../models/score';
import { type ScoreItem, scoreBatch } from '../../models/score-batch';
import type { Tokenizer } from '../../text';
import { savedOnPrompts } from '../saved-flops';
import type { Measured, Metric, Task } from '../task';
import { readText } from './read-text';

export type TextOptions = {
  /** Tokens of a window that are read as its context. Defaults to 384. */
  prompt?: number;
  /** Tokens after them that are scored. Defaults to 64. */
  continuation?: number;
  /** At most so many windows, evenly spaced over all that there are. Defaults to all. */
  windows?: number;
  /** Read only so many of the prompt's last tokens. Defaults to all. */
  lastTokens?: number;
  /** As in `LanguageModel.score`. */
  protocol?: ScoreOptions['protocol'];
};

type Window = ScoreItem & {
  /** UTF-8 bytes of its only continuation. */
  bytes: number;
};

/**
 * Bits that a text's continuation costs, by the byte and by the token. The tokens of each file are cut into windows, one after
 * another: a prompt, which is what a reduction works on, and a continuation. What is left over at a file's end is not used.
 *
 * @param files UTF-8 texts
 * @throws SkipscanError `ERR_ARGUMENT` for a file that cannot be read or is no UTF-8 (with its line), for texts that are too short,
 *   and for a model without a tokenizer
 */
export async function textTask(
  model: LanguageModel,
  files: readonly string[],
  o: TextOptions = {},
): Promise<Task> {
  const { prompt = 384, continuation = 64, protocol } = o;
  for (const [name, value] of Object.entries({ ...o, prompt, continuation })) {
    if (name !== 'protocol' && value !== undefined) checkCount(name, value as number);
  }
  const { lastTokens = prompt } = o;
  const tokenizer = needTokenizer(model.tokenizer, model.source);
  const all: Int32Array[] = [];
  for (const file of files) all.push(...(await windowsOf(file, tokenizer, prompt + continuation)));
  if (all.length === 0) {
    throw new SkipscanError(
      'ERR_ARGUMENT',
      `Expected a window of ${prompt} + ${continuation} tokens in ${files.join(', ') || 'the text files'} but found none. ` +
        'Give longer texts, or shorter windows.',
    );
  }
  const windows = evenlySpaced(all, o.windows).map((tokens): Window => {
    const [before, after] = [tokens.subarray(0, prompt), tokens.subarray(prompt)];
    return {
      context: before.subarray(-lastTokens),
      continuations: [after],
      bytes: bytesAfter(tokenizer, before, after),
    };
  });
  const byteTokens = windows.every(({ bytes }) => bytes === continuation);

  return {
    name: 'text',
    samples: windows.length,
    metrics: byteTokens ? [bitsPerByte] : [bitsPerByte, bitsPerToken],
    digest: digestOf(windows, protocol),

    async measure(first, last, { reduction, signal }): Promise<Measured> {
      const some = windows.slice(first, last);
      const scored = await scoreBatch(model, some, { reduction, protocol, signal });
      return {
        values: scored.map(({ scores: [{ logprobs, total }] }, i) => {
          const bits = -total / Math.LN2;
          // With the protocol 'paper' not every token has a row that it is scored against.
          const share = logprobs.length / continuation;
          return {
            bits_per_byte: bits / (share * some[i].bytes),
            bits_per_token: bits / logprobs.length,
          };
        }),
        flops: scored.reduce((sum, item) => sum + item.flops, 0),
        denseFlops: scored.reduce((sum, item) => sum + item.denseFlops, 0),
      };
    },

    saved(reduction, { step = 1, signal } = {}) {
      const prompts = windows.filter((_, i) => i % step === 0).map(({ context }) => context);
      return savedOnPrompts(model, prompts, reduction, signal);
    },
  };
}

const bitsPerByte: Metric = { name: 'bits_per_byte', aggregate: 'mean', better: 'lower', share: false };
const bitsPerToken: Metric = { ...bitsPerByte, name: 'bits_per_token' };

async function windowsOf(file: string, tokenizer: Tokenizer, length: number): Promise<Int32Array[]> {
  const tokens = tokenizer.encode(await readText(file), { addSpecialTokens: false });
  const count = Math.floor(tokens.length / length);
  return Array.from({ length: count }, (_, i) => tokens.subarray(i * length, (i + 1) * length));
}

function evenlySpaced<T>(all: readonly T[], count = all.length): T[] {
  if (count >= all.length) return [...all];
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]);
}

/** By how many bytes a text gets longer; a window may begin and end within a character. */
function bytesAfter(tokenizer: Tokenizer, before: Int32Array, after: Int32Array): number {
  if (tokenizer.byteLevel) return after.reduce((sum, id) => sum + tokenizer.bytesOf(id).length, 0);
  const whole = tokenizer.decode([...before, ...after]);
  return Buffer.byteLength(whole) - Buffer.byteLength(tokenizer.decode(before));
}

function digestOf(windows: readonly Window[], protocol: ScoreOptions['protocol'] = 'prefill'): string {
  const hash = createHash('sha256').update(protocol);
  for (const { context, continuations, bytes } of windows) {
    hash.update(`${context.length} ${bytes}\n`).update(context).update(continuations[0]);
  }
  return hash.digest('hex');
}

function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) throw invalidArgument(name, 'a whole number above 0', value);
}
