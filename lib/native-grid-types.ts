import type { NativeFloats, NativeInts } from './native-types';

/** Rows of images and grids, `[rows, channels]` unless it is said otherwise. */
export type NativeDepthwiseConv2d = {
  channels: number;
  /** The grid, and the odd side of the window: 1 to 15. */
  height: number;
  width: number;
  size: number;
  x: NativeFloats;
  xStride?: number;
  added?: NativeFloats;
  /** `[size, size, channels]` */
  weight: NativeFloats;
  bias?: NativeFloats;
  /** `[rows]` where each row is: `y * width + x`. */
  positions: NativeInts;
  /** `[sequences + 1]` */
  offsets: Int32Array;
  /** `[height * width, sequences]` the row at each place, or -1. */
  rowAt: NativeInts;
  out: NativeFloats;
  outStride?: number;
  activation: 'none' | 'silu' | 'gelu';
};

/** Output places `firstRow` to `firstRow + rows - 1` of all images. */
export type NativeImagePatches = {
  images: number;
  channels: number;
  height: number;
  width: number;
  outHeight: number;
  outWidth: number;
  kernel: number;
  stride: number;
  padding: number;
  firstRow: number;
  rows: number;
  /** `[images, channels, height, width]` where `planar`, else `[images, height, width, channels]`. */
  x: NativeFloats;
  planar: boolean;
  relu: boolean;
  /** `[rows, kernel, kernel, channels]` */
  out: NativeFloats;
};

export type NativeScanPaths = {
  places: number;
  directions: number;
  /** `[rows]` rising within a sequence. */
  positions: NativeInts;
  /** `[sequences + 1]` */
  offsets: Int32Array;
  /** `[directions, places]`; each direction visits every position once. */
  orders: Int32Array;
  /** `[directions, places]` */
  labels?: Int32Array;
  /** `[places, sequences]` */
  rowAt: NativeInts;
  /** `[directions, rows]`, and so are `gap` and `label`, which comes with `labels`. */
  index: NativeInts;
  gap: NativeInts;
  label?: NativeInts;
};
