import { invalidArgument, mismatch } from '../errors';
import type { Tensor } from '../tensor';
import { Arguments } from './arguments';
import { readSides } from './grid';

/** `C` channels of `H` by `W` pixels. */
export type ImagePatchesOptions = {
  /** `[batch, C, H, W]`, or `[batch, H, W, C]` with `channels: 'last'`. */
  x: Tensor;
  /** Which dimension of `x` the channels are. Defaults to `'first'`. */
  channels?: 'first' | 'last';
  /** K, the side of a window. */
  kernel: number;
  /** Pixels from one window to the next. Defaults to `kernel`: patches side by side. */
  stride?: number;
  /** Zeros round the image. Defaults to 0. */
  padding?: number;
  /**
   * `[height, width]`: how many windows there are. Defaults to those that end inside of the padded image. More of them, as "corner"
   * padding has, read zeros to the right of it and below.
   */
  grid?: readonly [height: number, width: number];
  /** Negative pixels become 0. Defaults to false. */
  relu?: boolean;
};

/** The windows of a convolution as rows. */
export type ImagePatchesResult = {
  /** `[batch, height * width, K * K * C]`, in the dtype of `x`: element `(dy * K + dx) * C + c` is channel c of pixel (dy, dx). */
  y: Tensor;
  /** `[height, width]`: how many windows there are. */
  grid: [height: number, width: number];
};

const names = ['x', 'channels', 'kernel', 'stride', 'padding', 'grid', 'relu'] as const;
const imageShapes = { first: ['batch', 'C', 'H', 'W'], last: ['batch', 'H', 'W', 'C'] } as const;

/**
 * The windows of a 2-D convolution as rows ("im2col"), so that `ops.linear` with its weight, `[outputs, K, K, C]` as a matrix, is the
 * convolution; a patch embedding where `stride` is `kernel`.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when shapes do not fit together or no window fits into the image
 */
export async function imagePatches(options: ImagePatchesOptions): Promise<ImagePatchesResult> {
  using args = new Arguments('imagePatches', options, names);
  const planar = args.choice('channels', ['first', 'last'], 'first') === 'first';
  const x = args.tensor('x', imageShapes[planar ? 'first' : 'last'], 'activation');
  const kernel = readSide(args, 'kernel', 0);
  const stride = readSide(args, 'stride', kernel);
  const padding = args.whole('padding', 0);
  const [images, channels] = [args.size('batch'), args.size('C')];
  const [height, width] = [args.size('H'), args.size('W')];
  const fitting = (side: number) => Math.floor((side + 2 * padding - kernel) / stride) + 1;
  const grid = args.has('grid')
    ? readSides('grid of ops.imagePatches', options.grid)
    : ([fitting(height), fitting(width)] as [number, number]);
  if (Math.min(...grid) < 1) {
    throw mismatch(
      'kernel of ops.imagePatches',
      `at most ${Math.min(height, width) + 2 * padding}, the shorter side of the padded image,`,
      String(kernel),
    );
  }
  const [outHeight, outWidth] = grid;
  const rows = outHeight * outWidth;
  const relu = args.flag('relu', false);
  const y = args.place.output([images, rows, kernel * kernel * channels], x.dtype);
  await args.run('image_patches', {
    images,
    channels,
    height,
    width,
    outHeight,
    outWidth,
    kernel,
    stride,
    padding,
    firstRow: 0,
    rows: images * rows,
    planar,
    relu,
    x: args.place.floats(x),
    out: y.array,
  });
  return { y: y.tensor(), grid };
}

function readSide(
  args: Arguments<ImagePatchesOptions>,
  name: 'kernel' | 'stride',
  byDefault: number,
): number {
  const side = args.whole(name, byDefault);
  if (side >= 1) return side;
  throw invalidArgument(
    `${name} of ops.imagePatches`,
    'a whole number above 0',
    args.has(name) ? 0 : undefined,
  );
}
