import type { NativeImagePatches } from '../../../lib/native-grid-types';
import type { OpCases } from './harness';

export type ImagePatchesCase = {
  /** `[images, channels, height, width]`, in this order where `planar`. */
  image: [images: number, channels: number, height: number, width: number];
  planar: boolean;
  kernel: number;
  stride: number;
  padding: number;
  /** `[height, width]`; default: as many windows as end inside of the padded image. */
  out?: [number, number];
  /** Which output places: the first and how many. Default: all. */
  part?: [number, number];
  relu: boolean;
  seed?: number;
  threads?: number;
};
type Cases = OpCases<'image_patches', ImagePatchesCase>;

/** The kernel of a GPU that reads so many elements at once. */
function kernelOf({ kernel, channels, planar }: NativeImagePatches, backend: string, pack: number) {
  if (backend !== 'cuda') return undefined;
  if (!planar && channels % pack === 0) return '/channels';
  return (kernel * kernel * channels) % pack === 0 ? '/packs' : '/elements';
}

const interleaved = { planar: false, kernel: 3, stride: 1, padding: 1, relu: true } as const;

export const imagePatchesCases: Cases = {
  op: 'image_patches',
  activations: ['x', 'out'],
  base: { image: [2, 3, 24, 32], planar: true, kernel: 8, stride: 8, padding: 0, relu: false },
  table: [
    ['the base: patches side by side', {}],
    ['the patches of published models', { image: [1, 3, 224, 224], kernel: 16, stride: 16 }],
    ['patches that overlap', { image: [2, 3, 40, 48], kernel: 16, stride: 8 }],
    ['patches with pixels between them', { kernel: 3, stride: 5 }],
    ['a stem: 7x7, stride 2, padding 3', { kernel: 7, stride: 2, padding: 3 }],
    ['a stem with an activation', { kernel: 7, stride: 2, padding: 3, relu: true, image: [1, 3, 17, 13] }],
    ['a 3x3 convolution of interleaved channels', { ...interleaved, image: [2, 64, 9, 7] }],
    ['the same without an activation', { ...interleaved, relu: false, image: [2, 64, 9, 7] }],
    ['interleaved patches', { ...interleaved, image: [2, 64, 12, 8], kernel: 4, stride: 4, padding: 0 }],
    ['padding at the far corner', { image: [2, 3, 29, 45], kernel: 8, stride: 8, out: [4, 6] }],
    [
      'padding at the far corner, interleaved',
      { ...interleaved, image: [2, 8, 6, 9], kernel: 4, stride: 4, padding: 0, out: [2, 3] },
    ],
    ['windows that lie beyond the image', { kernel: 4, stride: 6, out: [7, 9], image: [1, 5, 20, 22] }],
    [
      'windows beyond the image, interleaved',
      { ...interleaved, kernel: 2, padding: 1, stride: 9, out: [5, 4], image: [1, 20, 20, 18] },
    ],
    ['rows from the middle', { part: [5, 4] }],
    ['rows across images', { ...interleaved, image: [3, 16, 5, 4], part: [13, 31] }],
    ['the last row', { part: [23, 1] }],
    ['channels off the vector width', { ...interleaved, image: [1, 37, 6, 7] }],
    ['channels that a GPU moves by twos', { ...interleaved, image: [1, 6, 6, 7] }],
    ['fewer channels than a vector', { ...interleaved, image: [1, 2, 6, 7] }],
    ['one channel, interleaved', { ...interleaved, image: [2, 1, 6, 7] }],
    ['one plane', { image: [2, 1, 6, 7], kernel: 3, stride: 1, padding: 1 }],
    ['many planes', { image: [1, 21, 6, 7], kernel: 3, stride: 2, padding: 1, relu: true }],
    ['one pixel', { image: [1, 3, 1, 1], kernel: 1, stride: 1 }],
    ['one pixel in a large window', { image: [1, 3, 1, 1], kernel: 7, stride: 2, padding: 3 }],
    [
      'one pixel in a large window, interleaved',
      { ...interleaved, image: [1, 8, 1, 1], kernel: 5, padding: 2 },
    ],
    ['single pixels as rows', { ...interleaved, image: [2, 24, 4, 5], kernel: 1, padding: 0 }],
    ['an image of one line', { ...interleaved, image: [1, 16, 1, 40] }],
    ['one thread', { threads: 1 }],
    ['more threads than rows', { threads: 9, part: [1, 2] }],
  ],
  build(c, memory, draw) {
    const { kernel, stride, padding, planar, relu } = c;
    const [images, channels, height, width] = c.image;
    const fitting = (size: number) => Math.floor((size + 2 * padding - kernel) / stride) + 1;
    const [outHeight, outWidth] = c.out ?? [fitting(height), fitting(width)];
    const [firstRow, rows] = c.part ?? [0, images * outHeight * outWidth];
    return {
      images,
      channels,
      height,
      width,
      outHeight,
      outWidth,
      kernel,
      stride,
      padding,
      firstRow,
      rows,
      planar,
      relu,
      x: memory.input(draw.floats(images * channels * height * width, -3, 3)),
      out: memory.output('out', rows, { width: kernel * kernel * channels }),
    };
  },
  kernel: (params, backend, dtype) => kernelOf(params, backend, dtype === 'f32' ? 4 : 8),
  tolerance: 0, // nothing but copies
};

/** Patches of float32 images in the dtype of activations. */
export const floatImagePatchesCases: Cases = {
  ...imagePatchesCases,
  activations: ['out'],
  kernel: (params, backend) => kernelOf(params, backend, 4),
  table: imagePatchesCases.table
    .filter(([, { relu }]) => !relu)
    .map(([why, change]) => [`float32 images: ${why}`, change] as const),
};
