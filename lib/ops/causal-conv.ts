import { SkipscanError } from '../errors';
import type { ScanPath } from '../scan-path';
import type { Tensor } from '../tensor';
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
 * On a GPU all but `x` is f32.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when shapes or dtypes do not fit together
 */
export async function causalConv(options: CausalConvOptions): Promise<ScanResult> {
  using args = new Arguments('causalConv', options, names);
  const x = args.tokens('x', ['C']);
  const path = args.path();
  const weightShape = options.weight?.shape?.length === 3 ? ['C', 1, 'W'] : ['C', 'W'];
  const weight = args.tensor('weight', weightShape, 'float32');
  const [channels, width] = [args.size('C'), args.size('W')];
  if (width > maxWidth) {
    throw new SkipscanError(
      'ERR_UNSUPPORTED',
      `Expected a width of 1 to ${maxWidth} for weight of ops.causalConv but received ${width}.`,
    );
  }
  const shortState = hasShortState(options, width)
    ? args.tensor('state', [path.sequences, width - 1, 'C'], 'float32', ['f32'])
    : undefined;
  const params = {
    path,
    x: args.place.floats(x),
    bias: args.optionalFloats('bias', ['C']),
    mode: args.choice('mode', ['compact', 'aligned'], 'compact'),
    silu: args.choice('activation', ['silu', 'none'], 'silu') === 'silu',
    stateIn: shortState ? undefined : args.optionalFloats('state', [path.sequences, 'W', 'C'], ['f32']),
    rows: args.rowCount,
    channels,
    width,
  };
  const y = args.place.output(x.shape, x.dtype);
  const state = args.place.output([path.sequences, width, channels], 'f32');
  const [taps, window] = await Promise.all([tapMajor(weight, width), shortState && padded(shortState)]);
  await args.run('causal_conv', {
    ...params,
    weight: args.place.upload(taps),
    stateIn: window ? args.place.upload(window) : params.stateIn,
    y: y.array,
    stateOut: state.array,
  });
  return { y: y.tensor(), state: state.tensor() };
}

/** `[C, W]` as the kernels read it, `[W, C]`: one vector load for the same tap of neighbouring channels. */
async function tapMajor(weight: Tensor, width: number): Promise<Float32Array> {
  const values = (await weight.to('cpu')).toFloat32();
  const channels = values.length / width;
  const taps = new Float32Array(values.length);
  for (let c = 0; c < channels; c++) {
    for (let w = 0; w < width; w++) taps[w * channels + c] = values[c * width + w];
  }
  return taps;
}

/** Whether the state is `[S, W - 1, C]`: no tap reaches the oldest row, so that it may be left out. */
const hasShortState = ({ state }: CausalConvOptions, width: number): boolean =>
  width > 1 && state?.shape?.[1] === width - 1;

/** `[S, W - 1, C]` as `[S, W, C]`. */
async function padded(state: Tensor): Promise<Float32Array> {
  const [sequences, rows, channels] = state.shape;
  const values = (await state.to('cpu')).toFloat32();
  const window = new Float32Array(sequences * (rows + 1) * channels);
  for (let s = 0; s < sequences; s++) {
    const part = values.subarray(s * rows * channels, (s + 1) * rows * channels);
    window.set(part, (s * (rows + 1) + 1) * channels);
  }
  return window;
}
