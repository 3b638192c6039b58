import { invalidArgument } from '../errors';
import type { Policy } from '../reduction/policy-types';
import { TextStream } from '../text/decoder';
import { Sampler, type SamplingOptions } from '../text/sampler';
import { StopMatcher } from '../text/stop';
import { needTokenizer, type Tokens } from './arguments';
import type { LanguageModel } from './language-model';

/** How a prompt is continued. */
export type GenerateOptions = SamplingOptions & {
  /** Removes tokens of the prompt; what is generated is never reduced. Defaults to none. */
  reduction?: Policy;
  /** Defaults to 256. */
  maxNewTokens?: number;
  /** Texts that end the generation; they are not part of what comes out. Needs a tokenizer. */
  stop?: string[];
  /** Go on past tokens that end a text. Defaults to false. */
  ignoreEos?: boolean;
  /** Ends the generation between two tokens, while it waits for its turn, or inside the prefill; the loop throws `signal.reason`. */
  signal?: AbortSignal;
};

/** One step. A token that ends the text is given only when text was held back until it, and carries that text. */
export type GeneratedToken = {
  /** What is certain with this token: empty while a character or a possible stop string is not complete, or without a tokenizer. */
  text: string;
  /** Its id. */
  token: number;
  /** Natural logarithm of the token's probability under the model itself (temperature 1, nothing filtered). */
  logprob: number;
};

/** @internal `LanguageModel.generate`. */
export async function* generate(
  model: LanguageModel,
  prompt: string | Tokens,
  o: GenerateOptions,
): AsyncGenerator<GeneratedToken, void, void> {
  const maxNewTokens = o.maxNewTokens ?? 256;
  if (!Number.isInteger(maxNewTokens) || maxNewTokens < 0) {
    throw invalidArgument('maxNewTokens', 'a whole number of at least 0', maxNewTokens);
  }
  const sampler = new Sampler(o);
  const tokens =
    typeof prompt === 'string' ? needTokenizer(model.tokenizer, model.source).encode(prompt) : prompt;
  const stops = new StopMatcher(o.stop ?? []);
  const tokenizer = o.stop?.length ? needTokenizer(model.tokenizer, model.source) : model.tokenizer;
  const stream = tokenizer && new TextStream(tokenizer, { skipSpecialTokens: true });
  const choices = Math.min(model.config.vocabSize, model.tokenizer?.vocabSize ?? Number.POSITIVE_INFINITY);
  const ends = new Set(o.ignoreEos ? [] : endTokens(model));

  o.signal?.throwIfAborted();
  await using session = model.createSession({ reduction: o.reduction });
  let logits = await session.prefill(tokens, { signal: o.signal });
  for (let left = maxNewTokens; left > 0; left -= 1) {
    o.signal?.throwIfAborted();
    const { token, logprob } = sampler.next(logits.subarray(0, choices)); // padding of the vocabulary is never chosen
    const ended = ends.has(token);
    let { text, stopped } = stops.feed(ended ? '' : (stream?.push(token) ?? ''));
    if (stream && !stopped && (ended || left === 1)) text += stops.feed(stream.flush()).text + stops.flush();
    if (!ended || text !== '') yield { text, token, logprob };
    if (ended || stopped) return;
    if (left > 1) logits = await session.step(token, { signal: o.signal });
  }
}

function endTokens(model: LanguageModel): readonly number[] {
  if (model.config.eosTokenIds.length > 0) return model.config.eosTokenIds;
  return model.tokenizer?.eosTokenId === undefined ? [] : [model.tokenizer.eosTokenId];
}
