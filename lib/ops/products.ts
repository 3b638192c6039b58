import type { NativeWeightDtype } from '../native-types';
import type { Tensor } from '../tensor';
import { Arguments } from './arguments';
import type { RowsResult } from './rows-result';

/** `T` rows (or `[batch, length]` for `T`), `I` inputs, `O` outputs. */
export type LinearOptions = {
  /** `[T, I]` or `[batch, length, I]` */
  x: Tensor;
  /** `[O, I]`, row-major; bf16 and f16 are read as they are. */
  weight: Tensor;
  /** `[O]` */
  bias?: Tensor;
};

const linearNames = ['x', 'weight', 'bias'] as const;

/**
 * `y = x * weight^T + bias`, accumulated in float32: `[T, O]` or `[batch, length, O]`, in the dtype of `x`. On a GPU the weight
 * has the dtype of `x` or is f32, unless `x` is f32, and `bias` is f32.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when shapes or dtypes do not fit together
 */
export async function linear(options: LinearOptions): Promise<RowsResult> {
  using args = new Arguments('linear', options, linearNames);
  const x = args.tokens('x', ['I']);
  const weight = args.tensor('weight', ['O', 'I'], 'any');
  const bias = args.optionalFloats('bias', ['O']);
  const [rows, inputs, outputs] = [args.rowCount, args.size('I'), args.size('O')];
  const y = args.place.output([...x.shape.slice(0, -1), outputs], x.dtype);
  await args.run('linear', {
    rows,
    inputs,
    outputs,
    x: args.place.floats(x),
    weight: args.place.weight(weight),
    weightDtype: weight.dtype as NativeWeightDtype,
    bias,
    y: y.array,
  });
  return { y: y.tensor() };
}

/** `T` rows (or `[batch, length]` for `T`), `V` entries of the vocabulary, `D` channels. */
export type EmbeddingOptions = {
  /** `[T]` or `[batch, length]`, i32: each from 0 to V - 1. */
  ids: Tensor;
  /** `[V, D]`; bf16 and f16 are read as they are. */
  table: Tensor;
};

const embeddingNames = ['ids', 'table'] as const;

/**
 * The rows of `table` that `ids` names: `[T, D]` or `[batch, length, D]`, in the dtype of `table`.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when shapes or dtypes do not fit together or an id is out of range
 */
export async function embedding(options: EmbeddingOptions): Promise<RowsResult> {
  using args = new Arguments('embedding', options, embeddingNames);
  const ids = args.tokens('ids', [], 'any', ['i32']);
  const table = args.tensor('table', ['V', 'D'], 'any');
  const [rows, vocabulary, dim] = [args.rowCount, args.size('V'), args.size('D')];
  const params = { table: args.place.weight(table), tableDtype: table.dtype as NativeWeightDtype };
  const y = args.place.output([...ids.shape, dim], table.dtype);
  const values = (await ids.to('cpu')).data() as Int32Array;
  args.checkBelow('ids', values, vocabulary);
  await args.run('embedding', {
    rows,
    vocabulary,
    dim,
    ...params,
    ids: values,
    out: y.array,
  });
  return { y: y.tensor() };
}
