import { SkipscanError } from '../errors';
import type { Tensor } from '../tensor';
import { Arguments } from './arguments';
import { type GridOptions, readGrid } from './grid';
import type { RowsResult } from './rows-result';

/** `T` rows (or `[batch, length]` for `T`), `C` channels, `K` taps in each direction. */
export type DepthwiseConv2dOptions = GridOptions & {
  /** `[T, C]` or `[batch, length, C]`: the input, a row for each place that has one. */
  x: Tensor;
  /** Like `x`, f32: a second branch that is added to the input first, such as the residual stream. */
  added?: Tensor;
  /** `[K, K, C]`; K is odd and at most 15. PyTorch's `[C, 1, K, K]` with its dimensions permuted. */
  weight: Tensor;
  /** `[C]` */
  bias?: Tensor;
  /** `'silu'`, or `'gelu'` by the error function. Defaults to `'none'`. */
  activation?: 'none' | 'silu' | 'gelu';
};

const names = ['x', 'added', 'weight', 'bias', 'grid', 'positions', 'offsets', 'activation'] as const;
const maxSize = 15;

/**
 * Depthwise convolution over a grid of which only some places need to have a row, as in PlainMamba (arXiv 2403.17695) after
 * tokens were pruned:
 *
 *     y[r] = activation(bias + sum over dy, dx < K of weight[dy, dx] * (x + added)[the row at place(r) + (dy, dx) - (K - 1) / 2])
 *
 * where places outside the grid, and those without a row, are zeros. A row that is not there costs nothing. `y` has the shape and
 * dtype of `x`. On a GPU all but `x` is f32.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when shapes, dtypes or positions do not fit together; `ERR_UNSUPPORTED` for a K that is
 *   even or above 15
 */
export async function depthwiseConv2d(options: DepthwiseConv2dOptions): Promise<RowsResult> {
  using args = new Arguments('depthwiseConv2d', options, names);
  const x = args.tokens('x', ['C']);
  const weight = args.floats('weight', ['K', 'K', 'C']);
  const [channels, size] = [args.size('C'), args.size('K')];
  if (size % 2 === 0 || size > maxSize) {
    throw new SkipscanError(
      'ERR_UNSUPPORTED',
      `Expected an odd K of 1 to ${maxSize} for weight of ops.depthwiseConv2d but received ${size}.`,
    );
  }
  const positions = args.has('positions') ? args.wholeNumbers('positions', args.rowCount) : undefined;
  const params = {
    ...readGrid('depthwiseConv2d', options.grid, args.offsets(args.rowCount), positions),
    channels,
    size,
    x: args.place.floats(x),
    added: args.optionalRows('added', ['C'], 'float32'),
    weight,
    bias: args.optionalFloats('bias', ['C']),
    activation: args.choice('activation', ['none', 'silu', 'gelu'], 'none'),
  };
  const y = args.place.output(x.shape, x.dtype);
  await args.run('depthwise_conv2d', { ...params, out: y.array });
  return { y: y.tensor() };
}
