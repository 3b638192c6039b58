import { types } from 'node:util';
import { invalidArgument, mismatch, SkipscanError } from '../errors';
import type { Tensor } from '../tensor';
import { Arguments } from './arguments';
import type { Selection } from './select-tokens';

/** `T` rows (or `[batch, length]` for `T`), one for each token. */
export type ReduceTokensOptions = {
  /** `[T, D]`: the hidden branch, a block's output. */
  hidden: Tensor;
  /** `[T, D]`: the residual branch, which a model without one leaves out. */
  residual?: Tensor;
  /** As `selectTokens` returns it; its `positions`, `protected` and `sizes` are not read. */
  selection: Pick<Selection, 'kept' | 'destHidden' | 'destResidual' | 'weights'>;
};

/** Dtypes are those of the arguments. */
export type ReduceTokensResult<Residual = Tensor | undefined> = {
  /** `[K, D]` */
  hidden: Tensor;
  /** `[K, D]`, where the argument was given. */
  residual: Residual;
};

const names = ['hidden', 'residual', 'selection'] as const;

/**
 * Makes the reduced branches of a residual stream: row i is row `kept[i]`, or the mean of it and all rows that merge into it,
 * weighted by `weights`. Rows that nothing merges into are copied bit by bit. On a GPU `residual` is f32.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when shapes do not fit together or the selection contradicts itself
 */
export async function reduceTokens(
  options: ReduceTokensOptions & { residual: Tensor },
): Promise<ReduceTokensResult<Tensor>>;
export async function reduceTokens(options: ReduceTokensOptions): Promise<ReduceTokensResult>;
export async function reduceTokens(options: ReduceTokensOptions): Promise<ReduceTokensResult> {
  using args = new Arguments('reduceTokens', options, names);
  const hidden = args.tokens('hidden', ['D']);
  const residual = args.optionalRows('residual', ['D'], 'float32');
  const rows = args.rowCount;
  const dim = args.size('D');
  const selection = readSelection(options.selection, rows);
  const keptRows = selection.kept.length;
  const hiddenOut = args.place.output([keptRows, dim], hidden.dtype);
  const residualOut = options.residual && args.place.output([keptRows, dim], options.residual.dtype);
  await args.run('reduce_tokens', {
    rows,
    keptRows,
    dim,
    hidden: args.place.floats(hidden),
    residual,
    ...selection,
    weights: args.place.upload(selection.weights),
    hiddenOut: hiddenOut.array,
    residualOut: residualOut?.array,
  });
  return { hidden: hiddenOut.tensor(), residual: residualOut?.tensor() };
}

type Parts = ReduceTokensOptions['selection'];

/** Checks what a selection of this many rows says. */
function readSelection(selection: Parts, rows: number): Parts {
  if (typeof selection !== 'object' || selection === null) {
    throw invalidArgument('selection of ops.reduceTokens', 'what ops.selectTokens returned', selection);
  }
  const { kept, destHidden, destResidual, weights } = selection;
  for (const [name, values] of Object.entries({ kept, destHidden, destResidual })) {
    if (!types.isInt32Array(values)) throw invalidArgument(`selection.${name}`, 'an Int32Array', values);
  }
  if (!types.isFloat32Array(weights)) throw invalidArgument('selection.weights', 'a Float32Array', weights);
  for (const [name, { length }] of Object.entries({ destHidden, destResidual, weights })) {
    if (length !== rows) {
      throw mismatch(`selection.${name}`, `${rows} entries, one for each row of hidden,`, String(length));
    }
  }
  const stays = new Uint8Array(rows);
  kept.forEach((row, i) => {
    if (row >= rows || row < 0 || (i > 0 && row <= kept[i - 1])) {
      throw mismatch('selection.kept', `ascending rows from 0 to ${rows - 1}`, `${row} at index ${i}`);
    }
    stays[row] = 1;
  });
  if (kept.length === 0) throw mismatch('selection.kept', 'at least one row', 'none');
  checkDestinations('destHidden', destHidden, stays, weights);
  checkDestinations('destResidual', destResidual, stays, weights);
  return { kept, destHidden, destResidual, weights: weights.slice() }; // the others are copied by the addon
}

function checkDestinations(name: string, dest: Int32Array, stays: Uint8Array, weights: Float32Array): void {
  const totals = new Float64Array(dest.length);
  dest.forEach((to, row) => {
    const fits = stays[row] ? to === row : to === -1 || stays[to] === 1;
    if (!fits) {
      const expected = stays[row] ? 'itself, as the row is kept,' : '-1 or a row that is kept';
      throw mismatch(`selection.${name}[${row}]`, expected, String(to));
    }
    if (!(weights[row] >= 0 && weights[row] < Infinity)) {
      throw mismatch(`selection.weights[${row}]`, 'a finite number of at least 0', String(weights[row]));
    }
    if (to >= 0) totals[to] += weights[row];
  });
  const empty = stays.findIndex((stay, row) => stay === 1 && totals[row] === 0);
  if (empty >= 0) {
    throw new SkipscanError(
      'ERR_ARGUMENT',
      `The weights of row ${empty} and of all that merge into it are 0 in selection.${name}. Give one of them a weight.`,
    );
  }
}
