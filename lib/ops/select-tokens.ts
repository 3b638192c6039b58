import type { Int32s } from '../elements';
import { mismatch, SkipscanError } from '../errors';
import type { Tensor } from '../tensor';
import { Arguments } from './arguments';
import { readSelectionPolicy, type SelectionPolicy } from './selection-policy';

/** `T` rows (or `[batch, length]` for `T`), one for each token, in the order of their positions. */
export type SelectTokensOptions = {
  /** What is removed, and what becomes of it. */
  policy: SelectionPolicy;
  /** `[T]`: the importance, see `tokenImportance`; for `utrc`, `prune` and `ltmp`. */
  scores?: Tensor;
  /** `[T, D]`: what tokens are compared by; for `utrc`, `merge` and `ltmp`. */
  features?: Tensor;
  /** `[T, D]`: added to `features`, to compare by the sum of both branches. */
  addedFeatures?: Tensor;
  /** `[T]`: where each token was before any was removed, rising in a sequence. Defaults to 0, 1, 2, ... in each. */
  positions?: Int32s;
  /** `[T]`: 1 for a token that stays as it is, 0 for the others. Defaults to zeros. */
  protected?: Int32s;
  /** `[T]`: how many tokens each stands for; `merge` and `ltmp` weigh by it. Defaults to ones. */
  sizes?: Int32s;
  /** Sequence s is rows `offsets[s]` to `offsets[s + 1] - 1`. Defaults to one sequence, or `batch` of them. */
  offsets?: Int32s;
  /** For `random`, which draws anew for every layer. Defaults to 0. */
  layer?: number;
};

/** Which tokens stay and where the content of the others goes; `reduceTokens` carries it out. In memory of the CPU. */
export type Selection = {
  /** `[K]` the rows that stay, ascending; `path.subset(kept)` is the path through them. */
  kept: Int32Array;
  /** Sequence s is entries `offsets[s]` to `offsets[s + 1] - 1` of `kept`. */
  offsets: Int32Array;
  /** `[T]` the row that each row's content goes to in the hidden branch: itself when kept, -1 when dropped. */
  destHidden: Int32Array;
  /** `[T]` the same for the residual branch; the rows that stay are the same. */
  destResidual: Int32Array;
  /** `[T]` each row's weight in the mean that its destination becomes. */
  weights: Float32Array;
  /** `[K]` of the rows that stay, as the next selection takes them; and so are `protected` and `sizes`. */
  positions: Int32Array;
  /** Which of them stay as they are. */
  protected: Int32Array;
  /** How many tokens each stands for. */
  sizes: Int32Array;
};

const names = [
  'policy',
  'scores',
  'features',
  'addedFeatures',
  'positions',
  'protected',
  'sizes',
  'offsets',
  'layer',
] as const;

/**
 * Chooses the tokens that a reduction removes, each sequence on its own. Larger scores are kept first; of equal scores the
 * earlier token is. The policies are those of docs/reduction.md, section 5: UTRC (arXiv 2410.14725), pruning (arXiv
 * 2409.18962), bipartite merging (arXiv 2210.09461), thresholds, and the controls `uniform`, `random` and `recent`. `random`
 * keeps the smallest keys: the first word of Philox4x32-10 with the seed as key and (position, layer, 0, 0) as counter.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when arguments do not fit together, or when a score or a feature that matters is not
 *   finite; the message names the row.
 */
export async function selectTokens(options: SelectTokensOptions): Promise<Selection> {
  using args = new Arguments('selectTokens', options, names);
  const policy = readSelectionPolicy(options.policy);
  const rows = countRows(args, policy.policy);
  const offsets = args.offsets(rows);
  const compares = args.has('features');
  const positions = readPositions(args, offsets);
  const given = {
    scores: args.optionalRows('scores', [], 'float32'),
    features: args.optionalRows('features', ['D'], 'any'),
    addedFeatures: compares ? args.optionalRows('addedFeatures', ['D'], 'any') : undefined,
    dim: compares ? args.size('D') : undefined,
    positions,
    protected: args.has('protected') ? readFlags(args.wholeNumbers('protected', rows)) : undefined,
    sizes: args.has('sizes') ? args.wholeNumbers('sizes', rows, 1) : undefined,
    layer: args.whole('layer', 0),
  };
  const { place } = args;
  const outputs = {
    kept: place.output([rows], 'i32'),
    keptSizes: place.output([rows], 'i32'),
    keptOffsets: place.output([offsets.length], 'i32'),
    destHidden: place.output([rows], 'i32'),
    destResidual: place.output([rows], 'i32'),
    weights: place.output([rows], 'f32'),
  };
  await args.run('select_tokens', {
    ...policy,
    ...given,
    offsets,
    kept: outputs.kept.array,
    keptSizes: outputs.keptSizes.array,
    keptOffsets: outputs.keptOffsets.array,
    destHidden: outputs.destHidden.array,
    destResidual: outputs.destResidual.array,
    weights: outputs.weights.array,
  });
  const keptOffsets = await outputs.keptOffsets.read();
  const count = keptOffsets[offsets.length - 1];
  const kept = (await outputs.kept.read()).slice(0, count);
  return {
    kept,
    offsets: keptOffsets,
    destHidden: await outputs.destHidden.read(),
    destResidual: await outputs.destResidual.read(),
    weights: await outputs.weights.read(),
    positions: kept.map((row) => positions[row]),
    protected: kept.map((row) => given.protected?.[row] ?? 0),
    sizes: (await outputs.keptSizes.read()).slice(0, count),
  };
}

type Args = Arguments<SelectTokensOptions>;

/** How many tokens there are, from the first argument that says so; and that what the policy asks for is there. */
function countRows(args: Args, policy: string): number {
  const scored = policy === 'utrc' || policy === 'prune' || policy === 'ltmp';
  const compared = policy === 'utrc' || policy === 'merge' || policy === 'ltmp';
  if (scored || args.has('scores')) args.tokens('scores', [], 'float32');
  if (compared || args.has('features')) {
    if (args.has('scores')) args.rows('features', ['D'], 'any');
    else args.tokens('features', ['D'], 'any');
  }
  if (args.has('scores') || args.has('features')) return args.rowCount;
  for (const name of ['positions', 'protected', 'sizes'] as const) {
    if (args.has(name)) return args.wholeNumbers(name).length;
  }
  const rows = args.has('offsets') ? args.wholeNumbers('offsets').at(-1) : 0;
  if (rows) return rows;
  throw new SkipscanError(
    'ERR_ARGUMENT',
    'ops.selectTokens needs one of scores, features, positions, protected, sizes or offsets to know how many tokens there ' +
      'are, but received none.',
  );
}

function readPositions(args: Args, offsets: Int32Array): Int32Array {
  const rows = offsets[offsets.length - 1];
  const positions = args.has('positions') ? args.wholeNumbers('positions', rows) : new Int32Array(rows);
  for (let s = 0; s + 1 < offsets.length; s++) {
    for (let row = offsets[s]; row < offsets[s + 1]; row++) {
      if (!args.has('positions')) positions[row] = row - offsets[s];
      else if (row > offsets[s] && positions[row] <= positions[row - 1]) {
        throw mismatch(
          'positions of ops.selectTokens',
          'rising positions in each sequence',
          `${positions[row]} after ${positions[row - 1]} at row ${row}`,
        );
      }
    }
  }
  return positions;
}

function readFlags(flags: Int32Array): Int32Array {
  const wrong = flags.findIndex((flag) => flag > 1);
  if (wrong < 0) return flags;
  throw mismatch('protected of ops.selectTokens', '0 or 1 for each row', `${flags[wrong]} at index ${wrong}`);
}
