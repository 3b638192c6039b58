import type { NativeWeight, NativeWeightDtype } from '../native-types';
import { type Dtype, Tensor } from '../tensor';
import { Arguments } from './arguments';

const weightDtypes: readonly Dtype[] = ['f32', 'bf16', 'f16'] satisfies NativeWeightDtype[];

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
 * `y = x * weight^T + bias`, accumulated in float32: `[T, O]` or `[batch, length, O]`, in the dtype of `x`.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when shapes or dtypes do not fit together
 */
export async function linear(options: LinearOptions): Promise<{ y: Tensor }> {
  const args = new Arguments('linear', options, linearNames);
  const x = args.tokens('x', ['I']);
  const weight = args.tensor('weight', ['O', 'I'], weightDtypes);
  const bias = args.optionalFloats('bias', ['O']);
  const [rows, inputs, outputs] = [args.rowCount, args.size('I'), args.size('O')];
  const y = new Float32Array(rows * outputs);
  await args.run('linear', {
    rows,
    inputs,
    outputs,
    x: x.toFloat32(),
    weight: weight.data() as NativeWeight,
    weightDtype: weight.dtype as NativeWeightDtype,
    bias,
    y,
  });
  return { y: Tensor.from(y, [...x.shape.slice(0, -1), outputs], { dtype: x.dtype }) };
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
export async function embedding(options: EmbeddingOptions): Promise<{ y: Tensor }> {
  const args = new Arguments('embedding', options, embeddingNames);
  const ids = args.tokens('ids', [], ['i32']);
  const table = args.tensor('table', ['V', 'D'], weightDtypes);
  const [rows, vocabulary, dim] = [args.rowCount, args.size('V'), args.size('D')];
  args.checkBelow('ids', ids.data() as Int32Array, vocabulary);
  const out = new Float32Array(rows * dim);
  await args.run('embedding', {
    rows,
    vocabulary,
    dim,
    ids: ids.data() as Int32Array,
    table: table.data() as NativeWeight,
    tableDtype: table.dtype as NativeWeightDtype,
    out,
  });
  return { y: Tensor.from(out, [...ids.shape, dim], { dtype: table.dtype }) };
}
