import type { Int32s } from '../elements';
import type { Tensor } from '../tensor';
import { Arguments } from './arguments';
import type { RowsResult } from './rows-result';

/** `T` rows (or `[batch, length]` for `T`), `D` channels, `S` sequences. */
export type MeanRowsOptions = {
  /** `[T, D]` or `[batch, length, D]` */
  x: Tensor;
  /** Sequence s is rows `offsets[s]` to `offsets[s + 1] - 1`. Defaults to one sequence, or `batch` of them. */
  offsets?: Int32s;
};

const meanRowsNames = ['x', 'offsets'] as const;

/**
 * The mean of the rows of each sequence, zeros where it has none: `[S, D]`, in the dtype of `x`. Accumulated in float32, in an
 * order that the sequence alone decides.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when `offsets` do not cut the rows into sequences
 */
export async function meanRows(options: MeanRowsOptions): Promise<RowsResult> {
  using args = new Arguments('meanRows', options, meanRowsNames);
  const x = args.tokens('x', ['D']);
  const dim = args.size('D');
  const offsets = args.offsets(args.rowCount);
  const y = args.place.output([offsets.length - 1, dim], x.dtype);
  await args.run('mean_rows', { dim, offsets, x: args.place.floats(x), out: y.array });
  return { y: y.tensor() };
}

/** `T` rows (or `[batch, length]` for `T`), `V` entries of the table, `D` channels. */
export type AddRowsOptions = {
  /** `[T, D]` or `[batch, length, D]` */
  x: Tensor;
  /** `[V, D]` */
  table: Tensor;
  /** `[T]` or `[batch, length]`, i32: each from 0 to V - 1. */
  ids: Tensor;
};

const addRowsNames = ['x', 'table', 'ids'] as const;

/**
 * Adds the row of `table` that `ids` names to each row, as position embeddings are: the shape and dtype of `x`. On a GPU `table`
 * is f32.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when shapes or dtypes do not fit together or an id is out of range
 */
export async function addRows(options: AddRowsOptions): Promise<RowsResult> {
  using args = new Arguments('addRows', options, addRowsNames);
  const x = args.tokens('x', ['D']);
  const table = args.floats('table', ['V', 'D']);
  const given = args.tensor('ids', x.shape.slice(0, -1), 'any', ['i32']);
  const [rows, dim, entries] = [args.rowCount, args.size('D'), args.size('V')];
  const params = { rows, dim, entries, x: args.place.floats(x), table };
  const y = args.place.output(x.shape, x.dtype);
  const ids = (await given.to('cpu')).data() as Int32Array;
  args.checkBelow('ids', ids, entries);
  await args.run('add_rows', { ...params, ids, out: y.array });
  return { y: y.tensor() };
}
