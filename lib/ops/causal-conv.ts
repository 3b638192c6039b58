import { SkipscanError } from '../errors';
import type { ScanPath } from '../scan-path';
import { Tensor } from '../tensor';
import { Arguments } from './arguments';
import type { ScanResult } from './selective-scan';

/** `T` rows (or `[batch, length]` for `T`), `C` channels, `W` taps, `S` sequences. */
export type CausalConvOptions = {
  /** `[T, C]` or `[batch, length, C]`: the input. */
  x: Tensor;
  /** `[C, W]`, or `[C, 1, W]` as a depthwise convolution's weight in PyTorch; tap W - 1 meets the current input. W <= 16. */
  weight: Tensor;
  /** `[C]` */
  bias?: Tensor;
  /** The order of the rows. Defaults to all of them in order: one sequence, or `batch` of them. */
  path?: ScanPath;
  /** What a tap meets: earlier steps of the path, or positions, with zeros where one was skipped. Defaults to `'compact'`. */
  mode?: 'compact' | 'aligned';
  /** `[S, W, C]` or `[S, W - 1, C]`, f32: the inputs before each sequence, oldest first. Defaults to zeros. */
  state?: Tensor;
  /** Defaults to `'silu'`, as in every Mamba block. */
  activation?: 'silu' | 'none';
};

const names = ['x', 'weight', 'bias', 'path', 'mode', 'state', 'activation'] as const;
const maxWidth = 16;

/**
 * Depthwise causal convolution along a scan path, with bias and activation, as before the scan of a Mamba block:
 *
 *     y[r] = activation(bias + sum over j < W of weight[W - 1 - j] * (the input j steps, or positions, before))
 *
 * The returned state is `[S, W, C]`: the last W inputs, oldest first, with zeros before the start of a sequence; in mode
 * `'aligned'` the last W positions, with zeros at skipped ones.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when shapes or dtypes do not fit together
 */
export async function causalConv(options: CausalConvOptions): Promise<ScanResult> {
  const args = new Arguments('causalConv', options, names);
  const x = args.tokens('x', ['C']);
  const path = args.path();
  const weight = args.floats('weight', options.weight?.shape?.length === 3 ? ['C', 1, 'W'] : ['C', 'W']);
  const [channels, width] = [args.size('C'), args.size('W')];
  if (width > maxWidth) {
    throw new SkipscanError(
      'ERR_UNSUPPORTED',
      `Expected a width of 1 to ${maxWidth} for weight of ops.causalConv but received ${width}.`,
    );
  }
  const params = {
    path,
    x: x.toFloat32(),
    weight: tapMajor(weight, channels, width),
    bias: args.optionalFloats('bias', ['C']),
    stateIn: readWindow(args, options.state, path.sequences, width),
    mode: args.choice('mode', ['compact', 'aligned'], 'compact'),
    silu: args.choice('activation', ['silu', 'none'], 'silu') === 'silu',
  };
  const y = new Float32Array(x.size);
  const stateOut = new Float32Array(path.sequences * width * channels);
  await args.run('causal_conv', { ...params, rows: args.rowCount, channels, width, y, stateOut });
  return {
    y: Tensor.from(y, x.shape, { dtype: x.dtype }),
    state: Tensor.from(stateOut, [path.sequences, width, channels]),
  };
}

/** `[C, W]` as the kernels read it, `[W, C]`: one vector load for the same tap of neighbouring channels. */
function tapMajor(weight: Float32Array, channels: number, width: number): Float32Array {
  const taps = new Float32Array(weight.length);
  for (let c = 0; c < channels; c++) {
    for (let w = 0; w < width; w++) taps[w * channels + c] = weight[c * width + w];
  }
  return taps;
}

/** The state as `[S, W, C]`. No tap reaches the oldest row, so that it may be left out. */
function readWindow(
  args: Arguments<CausalConvOptions>,
  state: Tensor | undefined,
  sequences: number,
  width: number,
): Float32Array | undefined {
  const isShort = width > 1 && state?.shape?.[1] === width - 1;
  const values = args.optionalFloats('state', [sequences, isShort ? width - 1 : 'W', 'C'], ['f32']);
  if (!values || !isShort) return values;
  const channels = args.size('C');
  const window = new Float32Array(sequences * width * channels);
  for (let s = 0; s < sequences; s++) {
    const rows = values.subarray(s * (width - 1) * channels, (s + 1) * (width - 1) * channels);
    window.set(rows, (s * width + 1) * channels);
  }
  return window;
}
