import { mismatch } from '../errors';
import type { ScanPath } from '../scan-path';
import type { Tensor } from '../tensor';
import { type Alignment, readAlignment } from './alignment';
import { Arguments } from './arguments';
import { readScanImportance, type ScanImportance, type Scored, scoresOnTheWay } from './importance';
import type { ScanResult } from './selective-scan';

/** `T` rows (or `[batch, length]` for `T`), `H` heads of `P` channels, `N` states, `G` groups, `S` sequences, `K` steps. */
export type SsdScanOptions = {
  /** `[T, H, P]` or `[batch, length, H, P]`: the input. */
  x: Tensor;
  /** `[T, H]`: the time step, before bias, softplus and clamp. */
  dt: Tensor;
  /** `[H]`, negative. */
  A: Tensor;
  /** `[T, N]` or `[T, G, N]`; head h uses group `floor(h * G / H)`. */
  B: Tensor;
  /** Like `B`. */
  C: Tensor;
  /** `[H]` or `[H, P]`: the skip connection. */
  D?: Tensor;
  /** Like `x`: the gate, `y * silu(z)`. Models with a gated norm leave it to that. */
  z?: Tensor;
  /** `[H]`: added to `dt`. */
  dtBias?: Tensor;
  /** dt is clamped to this range after the softplus. Defaults to `[0, Infinity]`. */
  dtLimit?: readonly [number, number];
  /** The order of the rows. Defaults to all of them in order: one sequence, or `batch` of them. */
  path?: ScanPath;
  /** How skipped positions let time pass. Defaults to `'next'`; without skipped positions all are the same. */
  alignment?: Alignment;
  /** `[K, H]`: for `alignment: 'own'`, the dt (as used) summed over the positions skipped before each step. */
  skippedDt?: Tensor;
  /** `[S, H, P, N]`, f32: the state before the first step of each sequence. Defaults to zeros. */
  state?: Tensor;
  /** Whether dt goes through a softplus. Defaults to true. */
  softplus?: boolean;
  /** Asks for importance scores too. Models with a gated norm have those of the gated y from that. */
  importance?: ScanImportance;
};

const names = [
  'x',
  'dt',
  'A',
  'B',
  'C',
  'D',
  'z',
  'dtBias',
  'dtLimit',
  'path',
  'alignment',
  'skippedDt',
  'state',
  'softplus',
  'importance',
] as const;

/**
 * Mamba-2's scan, the state-space duality of Dao and Gu (arXiv 2405.21060), along a scan path: the recurrence of
 * `selectiveScan` with one A and one dt for each head. Long sequences are computed in chunks as matrix products, with the same
 * result. For each step, with r the row it visits:
 *
 *     dt   = clamp(softplus(dt[r] + dtBias), ...dtLimit)
 *     h    = exp(decay * A) * h + dt * x[r] (outer product) B[r]     decay is dt where no position was skipped
 *     y[r] = (h * C[r] + D * x[r]) * silu(z[r])
 *
 * One decoding step of S sequences is a path of one step each: rows `[S, H, P]`, `path: ScanPath.full(new Array(S).fill(1))`
 * and their `state`. bf16 and f16 tensors are computed in float32. On a GPU `x`, `dt`, `B`, `C` and `z` have one dtype, and
 * the others are f32.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when shapes or dtypes do not fit together
 */
export function ssdScan(
  options: SsdScanOptions & { importance: ScanImportance },
): Promise<ScanResult & Scored>;
export function ssdScan(options: SsdScanOptions): Promise<ScanResult>;
export async function ssdScan(options: SsdScanOptions): Promise<ScanResult & Partial<Scored>> {
  using args = new Arguments('ssdScan', options, names);
  const x = args.tokens('x', ['H', 'P']);
  const path = args.path();
  const DPerChannel = options.D?.shape?.length === 2;
  const [dtMin, dtMax] = readLimit(options.dtLimit);
  const params = {
    path,
    x: args.place.floats(x),
    dt: args.rows('dt', ['H']),
    A: args.floats('A', ['H']),
    B: args.rows('B', ['G?', 'N']),
    C: args.rows('C', ['G?', 'N']),
    D: args.optionalFloats('D', DPerChannel ? ['H', 'P'] : ['H']),
    DPerChannel,
    z: args.optionalRows('z', ['H', 'P']),
    dtBias: args.optionalFloats('dtBias', ['H']),
    dtMin,
    dtMax,
    ...readAlignment(args, path, 'H'),
    stateIn: args.optionalFloats('state', [path.sequences, 'H', 'P', 'N'], ['f32']),
    softplus: args.flag('softplus', true),
  };
  const importance = readScanImportance('ssdScan', options.importance);
  const [heads, headDim, dState, groups] = [args.size('H'), args.size('P'), args.size('N'), args.size('G')];
  args.checkDivides('the groups of B', groups, 'H');
  const sizes = { rows: args.rowCount, heads, headDim, dState, groups };
  const y = args.place.output(x.shape, x.dtype);
  const state = args.place.output([path.sequences, heads, headDim, dState], 'f32');
  const scores = importance && args.place.output([sizes.rows], 'f32');
  const written = { y: y.array, stateOut: state.array, ...scoresOnTheWay(importance, scores?.array) };
  await args.run('ssd_scan', { ...params, ...sizes, ...written });
  if (scores && importance.metric === 'state') {
    const shares = { state: state.array, scores: scores.array };
    await args.run('ssd_state_importance', { ...params, ...sizes, ...shares });
  }
  return { y: y.tensor(), state: state.tensor(), ...(scores && { importance: scores.tensor() }) };
}

function readLimit(limit: readonly [number, number] = [0, Infinity]): readonly [number, number] {
  if (Array.isArray(limit) && limit[0] >= 0 && limit[1] >= limit[0]) return limit;
  throw mismatch('dtLimit of ops.ssdScan', '[min, max] with 0 <= min <= max', `[${String(limit)}]`);
}
