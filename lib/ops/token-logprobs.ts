import type { Tensor } from '../tensor';
import { Arguments } from './arguments';

/** `T` rows (or `[batch, length]` for `T`), `V` entries of the vocabulary. */
export type TokenLogprobsOptions = {
  /** `[T, V]` or `[batch, length, V]` */
  logits: Tensor;
  /** `[T]` or `[batch, length]`, i32, each from 0 to V - 1: a token for each row. */
  tokens?: Tensor;
};

/** The likeliest tokens, and how likely given ones are. */
export type TokenLogprobsResult = {
  /** `[T]` or `[batch, length]`, i32: the token of the largest logit of each row, the first one of equals. */
  best: Tensor;
  /** Like `best`, f32: the natural logarithm of the probability that each row gives its token. Comes with `tokens`. */
  logprobs?: Tensor;
};

const names = ['logits', 'tokens'] as const;

/**
 * The likeliest token of each row of logits and, where `tokens` are given, their log-probabilities:
 *
 *     best = argmax(logits)
 *     logprobs = logits[tokens] - log(sum(exp(logits)))
 *
 * A logit of -Infinity is a token that cannot be. Where another logit is not finite, or all are -Infinity, there is no right
 * answer: `best` is -1 and `logprobs` is NaN.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when shapes or dtypes do not fit together or a token is out of range
 */
export function tokenLogprobs(
  options: TokenLogprobsOptions & { tokens: Tensor },
): Promise<Required<TokenLogprobsResult>>;
export function tokenLogprobs(options: TokenLogprobsOptions): Promise<TokenLogprobsResult>;
export async function tokenLogprobs(options: TokenLogprobsOptions): Promise<TokenLogprobsResult> {
  using args = new Arguments('tokenLogprobs', options, names);
  const logits = args.tokens('logits', ['V'], 'float32');
  const [rows, vocabulary, shape] = [args.rowCount, args.size('V'), logits.shape.slice(0, -1)];
  const given = args.has('tokens') ? args.tensor('tokens', shape, 'any', ['i32']) : undefined;
  const params = { rows, vocabulary, logits: args.place.floats(logits) };
  const best = args.place.output(shape, 'i32');
  const logprobs = given && args.place.output(shape, 'f32');
  const tokens = given && ((await given.to('cpu')).data() as Int32Array);
  if (tokens) args.checkBelow('tokens', tokens, vocabulary);
  await args.run('token_logprobs', { ...params, tokens, best: best.array, logprobs: logprobs?.array });
  return { best: best.tensor(), ...(logprobs && { logprobs: logprobs.tensor() }) };
}
