import type { Tensor } from '../tensor';
import { Arguments } from './arguments';
import { type NormImportance, readNormImportance, type Scored } from './importance';
import type { RowsResult } from './rows-result';

/** `T` rows (or `[batch, length]` for `T`), `D` channels. */
export type RmsNormOptions = {
  /** `[T, D]` or `[batch, length, D]` */
  x: Tensor;
  /** `[D]` */
  weight: Tensor;
  /** Like `x`: added before normalising. */
  residual?: Tensor;
  /** Defaults to 1e-5. */
  eps?: number;
};

/** What a norm that is fused with a residual sum returns. */
export type NormResult = {
  /** Shape and dtype of `x`. */
  y: Tensor;
  /** The residual stream, `x + residual`: shape of `x`, dtype of `residual`. Without one, the values of `x`. */
  residual: Tensor;
};

const rmsNormNames = ['x', 'weight', 'residual', 'eps'] as const;

/**
 * Root-mean-square normalisation of each row (Zhang and Sennrich, arXiv 1910.07467), fused with the addition to the residual
 * stream that comes before it in a Mamba block:
 *
 *     s = x + residual
 *     y = s / sqrt(mean(s^2) + eps) * weight
 *
 * On a GPU all but `x` is f32.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when shapes or dtypes do not fit together
 */
export async function rmsNorm(options: RmsNormOptions): Promise<NormResult> {
  using args = new Arguments('rmsNorm', options, rmsNormNames);
  const x = args.tokens('x', ['D']);
  const params = readNorm(args, x);
  const { out, residualOut, result } = normOutputs(args, x, options.residual);
  await args.run('rms_norm', { ...params, out, residualOut });
  return result();
}

/** `T` rows (or `[batch, length]` for `T`), `D` channels. */
export type LayerNormOptions = RmsNormOptions & {
  /** `[D]` */
  bias: Tensor;
};

const layerNormNames = [...rmsNormNames, 'bias'] as const;

/**
 * Layer normalisation of each row (Ba et al., arXiv 1607.06450), fused with the addition to the residual stream:
 *
 *     s = x + residual
 *     y = (s - mean(s)) / sqrt(variance(s) + eps) * weight + bias
 *
 * The variance is the mean of squared distances from the mean. On a GPU all but `x` is f32.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when shapes or dtypes do not fit together
 */
export async function layerNorm(options: LayerNormOptions): Promise<NormResult> {
  using args = new Arguments('layerNorm', options, layerNormNames);
  const x = args.tokens('x', ['D']);
  const params = { ...readNorm(args, x), bias: args.floats('bias', ['D']) };
  const { out, residualOut, result } = normOutputs(args, x, options.residual);
  await args.run('layer_norm', { ...params, out, residualOut });
  return result();
}

/** The arguments that the norms have in common. */
function readNorm(args: Arguments<RmsNormOptions>, x: Tensor) {
  return {
    x: args.place.floats(x),
    residualIn: args.optionalRows('residual', ['D'], 'float32'),
    weight: args.floats('weight', ['D']),
    eps: args.positive('eps', 1e-5),
    rows: args.rowCount,
    dim: args.size('D'),
  };
}

/** What they write to. Without a residual, the stream is `x` as it is. */
function normOutputs({ place }: Arguments<RmsNormOptions>, x: Tensor, residual?: Tensor) {
  const y = place.output(x.shape, x.dtype);
  const sum = residual && place.output(x.shape, residual.dtype);
  const copy = sum ? undefined : place.copy(x);
  const result = (): NormResult => ({ y: y.tensor(), residual: copy ?? sum!.tensor() });
  return { out: y.array, residualOut: sum?.array, result };
}

/** `T` rows (or `[batch, length]` for `T`), `D` channels. */
export type GatedRmsNormOptions = {
  /** `[T, D]` or `[batch, length, D]` */
  x: Tensor;
  /** Like `x`: the gate. */
  z: Tensor;
  /** `[D]` */
  weight: Tensor;
  /** Channels that are normalised together; divides D. Defaults to D. */
  groupSize?: number;
  /** Defaults to 1e-5. */
  eps?: number;
  /** Whether the norm comes before the gate. Defaults to false: the gate first, as in the published models. */
  normBeforeGate?: boolean;
  /** Asks for importance scores too: of the rows of y, over all of their groups. */
  importance?: NormImportance;
};

const gatedRmsNormNames = ['x', 'z', 'weight', 'groupSize', 'eps', 'normBeforeGate', 'importance'] as const;

/**
 * The normalisation before the output projection of a Mamba-2 block (arXiv 2405.21060, section 7). With
 * `norm(v) = v / sqrt(mean(v^2) + eps)` over each group of channels:
 *
 *     y = norm(x * silu(z)) * weight
 *     y = norm(x) * weight * silu(z)     with normBeforeGate
 *
 * On a GPU `x` and `z` have one dtype, and `weight` is f32.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when shapes or dtypes do not fit together
 */
export function gatedRmsNorm(
  options: GatedRmsNormOptions & { importance: NormImportance },
): Promise<RowsResult & Scored>;
export function gatedRmsNorm(options: GatedRmsNormOptions): Promise<RowsResult>;
export async function gatedRmsNorm(options: GatedRmsNormOptions): Promise<RowsResult & Partial<Scored>> {
  using args = new Arguments('gatedRmsNorm', options, gatedRmsNormNames);
  const x = args.tokens('x', ['D']);
  const dim = args.size('D');
  const params = {
    y: args.place.floats(x),
    z: args.rows('z', ['D']),
    weight: args.floats('weight', ['D']),
    groupSize: args.positive('groupSize', dim),
    eps: args.positive('eps', 1e-5),
    normBeforeGate: args.flag('normBeforeGate', false),
  };
  args.checkDivides('groupSize', params.groupSize, 'D');
  const wanted = readNormImportance('gatedRmsNorm', options.importance);
  const rows = args.rowCount;
  const y = args.place.output(x.shape, x.dtype);
  const scores = wanted && args.place.output([rows], 'f32');
  const written = { out: y.array, importance: scores?.array };
  await args.run('gated_rms_norm', { ...params, rows, dim, ...written, ...wanted });
  return { y: y.tensor(), ...(scores && { importance: scores.tensor() }) };
}
