import type { ScanPath } from '../scan-path';
import type { Tensor } from '../tensor';
import { type Alignment, readAlignment } from './alignment';
import { Arguments } from './arguments';
import { readScanImportance, type ScanImportance, type Scored, scoresOnTheWay } from './importance';

/** `T` rows (or `[batch, length]` for `T`), `E` channels, `N` states, `G` groups, `S` sequences, `K` steps of the path. */
export type SelectiveScanOptions = {
  /** `[T, E]` or `[batch, length, E]`: the input. */
  u: Tensor;
  /** Like `u`: the time step, before bias and softplus. */
  delta: Tensor;
  /** `[E, N]`, negative. */
  A: Tensor;
  /** `[T, N]` or `[T, G, N]`; channel e uses group `floor(e * G / E)`. */
  B: Tensor;
  /** Like `B`. */
  C: Tensor;
  /** `[E]`: the skip connection. */
  D?: Tensor;
  /** Like `u`: the gate, `y * silu(z)`. */
  z?: Tensor;
  /** Like `u`: the sum of earlier scans over the same rows, added before the gate. Rows off the path are not taken over. */
  sumIn?: Tensor;
  /** Factor of the sum, before the gate. Defaults to 1; 1 / n makes the mean of n scans. */
  outputScale?: number;
  /** `[E]`: added to `delta`. */
  dtBias?: Tensor;
  /** The order of the rows. Defaults to all of them in order: one sequence, or `batch` of them. */
  path?: ScanPath;
  /** How skipped positions let time pass. Defaults to `'next'`; without skipped positions all are the same. */
  alignment?: Alignment;
  /** `[K, E]`: for `alignment: 'own'`, the dt (after softplus) summed over the positions skipped before each step. */
  skippedDt?: Tensor;
  /** `[S, E, N]`, f32: the state before the first step of each sequence. Defaults to zeros. */
  state?: Tensor;
  /** Whether dt is `softplus(delta + dtBias)` rather than `delta + dtBias`. Defaults to true. */
  softplus?: boolean;
  /** Asks for importance scores too. */
  importance?: ScanImportance;
};

/** What a scan or a convolution returns. */
export type ScanResult = {
  /** Shape and dtype of the input. Rows that the path does not visit are zero. */
  y: Tensor;
  /** f32: the state after the last step of each sequence, to continue from. */
  state: Tensor;
};

const names = [
  'u',
  'delta',
  'A',
  'B',
  'C',
  'D',
  'z',
  'sumIn',
  'outputScale',
  'dtBias',
  'path',
  'alignment',
  'skippedDt',
  'state',
  'softplus',
  'importance',
] as const;

/**
 * Mamba's selective scan (Gu and Dao, arXiv 2312.00752, algorithm 2) along a scan path. For each step, with r the row it
 * visits:
 *
 *     dt   = softplus(delta[r] + dtBias)
 *     h    = exp(decay * A) * h + dt * B[r] * u[r]     decay is dt where no position was skipped; see `Alignment`
 *     y[r] = (sumIn[r] + C[r] . h + D * u[r]) * outputScale * silu(z[r])
 *
 * Scans over the same rows in several directions add up when each is given the sum so far, and only the last one the gate.
 *
 * One decoding step of S sequences is a path of one step each: rows `[S, E]`, `path: ScanPath.full(new Array(S).fill(1))` and
 * their `state`. bf16 and f16 tensors are computed in float32. On a GPU `u`, `delta`, `B`, `C`, `z` and `sumIn` have one
 * dtype, and the others are f32.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when shapes or dtypes do not fit together
 */
export function selectiveScan(
  options: SelectiveScanOptions & { importance: ScanImportance },
): Promise<ScanResult & Scored>;
export function selectiveScan(options: SelectiveScanOptions): Promise<ScanResult>;
export async function selectiveScan(options: SelectiveScanOptions): Promise<ScanResult & Partial<Scored>> {
  using args = new Arguments('selectiveScan', options, names);
  const u = args.tokens('u', ['E']);
  const path = args.path();
  const params = {
    path,
    u: args.place.floats(u),
    delta: args.rows('delta', ['E']),
    A: args.floats('A', ['E', 'N']),
    B: args.rows('B', ['G?', 'N']),
    C: args.rows('C', ['G?', 'N']),
    D: args.optionalFloats('D', ['E']),
    z: args.optionalRows('z', ['E']),
    dtBias: args.optionalFloats('dtBias', ['E']),
    ...readAlignment(args, path, 'E'),
    stateIn: args.optionalFloats('state', [path.sequences, 'E', 'N'], ['f32']),
    softplus: args.flag('softplus', true),
  };
  const sum = { yIn: args.optionalRows('sumIn', ['E']), yScale: args.positive('outputScale', 1) };
  const importance = readScanImportance('selectiveScan', options.importance);
  const [channels, dState, groups] = [args.size('E'), args.size('N'), args.size('G')];
  args.checkDivides('the groups of B', groups, 'E');
  const sizes = { rows: args.rowCount, channels, dState, groups };
  const y = args.place.output(u.shape, u.dtype);
  const state = args.place.output([path.sequences, channels, dState], 'f32');
  const scores = importance && args.place.output([sizes.rows], 'f32');
  const written = { y: y.array, stateOut: state.array, ...scoresOnTheWay(importance, scores?.array) };
  await args.run('selective_scan', { ...params, ...sizes, ...sum, ...written });
  if (scores && importance.metric === 'state') {
    const shares = { state: state.array, scores: scores.array };
    await args.run('selective_state_importance', { ...params, ...sizes, ...shares });
  }
  return { y: y.tensor(), state: state.tensor(), ...(scores && { importance: scores.tensor() }) };
}
