import type { Int32s } from '../elements';
import type { Tensor } from '../tensor';
import { Arguments } from './arguments';

/**
 * How important a token is, from a row of D channels:
 *
 * - `'clip'`: mean(max(y, 0)), the choice of arXiv 2410.14725 and 2409.18962
 * - `'l1'`: mean(|y|)
 * - `'l2'`: sqrt(mean(y^2))
 * - `'sum'`: mean(y)
 * - `'delta'`: mean(dt)
 * - `'novel'`: 1 - the cosine of `hidden + residual` with that of the token before; 1 for the first of a sequence
 * - `'novel2'`: 1 - the larger cosine with the tokens before and after; 1 for a token alone
 */
export type ImportanceMetric = 'clip' | 'l1' | 'l2' | 'sum' | 'delta' | 'novel' | 'novel2';

const metrics: readonly ImportanceMetric[] = ['clip', 'l1', 'l2', 'sum', 'delta', 'novel', 'novel2'];

/** One score for each token. */
export type TokenImportanceResult = {
  /** `[T]` or `[batch, length]`, f32. */
  scores: Tensor;
};

/** `T` rows (or `[batch, length]` for `T`), one for each token. The metric decides what is read. */
export type TokenImportanceOptions = {
  /** Defaults to `'clip'`. */
  metric?: ImportanceMetric;
  /** `[T, E]`: for `clip`, `l1`, `l2` and `sum`; usually what enters a block's output projection. */
  y?: Tensor;
  /** `[T, E]` or `[T, H]`: for `delta`, the time steps after softplus. */
  dt?: Tensor;
  /** `[T, D]`: for `novel` and `novel2`, a block's output. */
  hidden?: Tensor;
  /** `[T, D]`: for `novel` and `novel2`, the residual stream that `hidden` is yet to be added to. Defaults to zeros. */
  residual?: Tensor;
  /** Sequence s is rows `offsets[s]` to `offsets[s + 1] - 1`. Defaults to one sequence, or `batch` of them. */
  offsets?: Int32s;
};

const names = ['metric', 'y', 'dt', 'hidden', 'residual', 'offsets'] as const;

/**
 * Importance scores, by which `selectTokens` ranks tokens: f32, `[T]` or `[batch, length]`. Accumulated in float32. A row that
 * is not finite gets a score that is not, or is infinite; `selectTokens` rejects it.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when the tensor of a metric is missing or shapes do not fit together
 */
export async function tokenImportance(options: TokenImportanceOptions): Promise<TokenImportanceResult> {
  using args = new Arguments('tokenImportance', options, names);
  const metric = args.choice('metric', metrics, 'clip');
  const novel = metric === 'novel' || metric === 'novel2';
  const x = args.tokens(novel ? 'hidden' : metric === 'delta' ? 'dt' : 'y', ['C']);
  const scores = args.place.output(x.shape.slice(0, -1), 'f32');
  await args.run('token_importance', {
    channels: args.size('C'),
    offsets: args.offsets(args.rowCount),
    x: args.place.floats(x),
    added: novel ? args.optionalRows('residual', ['C'], 'any') : undefined,
    metric: metric === 'delta' ? 'sum' : metric,
    scores: scores.array,
  });
  return { scores: scores.tensor() };
}
