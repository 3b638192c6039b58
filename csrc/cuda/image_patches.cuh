// Image patches. Threads write packs of elements of the rows, side by side. Where channels are innermost and come in whole packs,
// a pack is read as one; else element by element.
// Floor: every row is written once, and the part of the images that the windows cover is read once.
#pragma once
#include "cuda/elements.cuh"
#include "ops/image_patches.h"

namespace skipscan::cuda {

constexpr int kPatchThreads = 256;

// Of one row: its image, and where its window begins in it.
template <class X>
struct Window {
  const ImagePatchesParams& p;
  const X* image;
  int64_t y, x;

  __device__ Window(const ImagePatchesParams& p, int64_t place) : p(p) {
    const int64_t line = place / p.out_width, number = line / p.out_height;
    image = static_cast<const X*>(p.x.data) + number * p.channels * p.height * p.width;
    y = (line - number * p.out_height) * p.stride - p.padding;
    x = (place - line * p.out_width) * p.stride - p.padding;
  }

  // Where the pixel at (dy, dx) of the window is among those of the image; -1 outside.
  __device__ int64_t pixel(int dy, int dx) const {
    const int64_t at_y = y + dy, at_x = x + dx;
    return at_y >= 0 && at_y < p.height && at_x >= 0 && at_x < p.width ? at_y * p.width + at_x : -1;
  }
};

__device__ inline float relu_if(bool relu, float v) { return relu && v < 0 ? 0 : v; }

// kCount elements of a row from element i on.
template <class X, class Out, int kCount>
__device__ inline Pack<Out, kCount> gather_elements(const Window<X>& window, int64_t i) {
  const ImagePatchesParams& p = window.p;
  const int64_t tap = i / p.channels;
  int c = int(i - tap * p.channels), dy = int(tap / p.kernel), dx = int(tap - int64_t(dy) * p.kernel);
  const int64_t plane = p.planar ? int64_t(p.height) * p.width : 1, step = p.planar ? 1 : p.channels;
  float values[kCount];
#pragma unroll
  for (int j = 0; j < kCount; ++j) {
    const int64_t pixel = window.pixel(dy, dx);
    values[j] = pixel < 0 ? 0 : relu_if(p.relu, load(window.image + c * plane + pixel * step));
    if (++c < p.channels) continue;
    c = 0;
    if (++dx < p.kernel) continue;
    dx = 0;
    ++dy;
  }
  return to_pack<Out>(values);
}

// The same where they are channels of one pixel.
template <class X, class Out, int kCount>
__device__ inline Pack<Out, kCount> copy_channels(const Window<X>& window, int64_t i) {
  const ImagePatchesParams& p = window.p;
  const int64_t tap = i / p.channels;
  const int dy = int(tap / p.kernel), dx = int(tap - int64_t(dy) * p.kernel);
  const int64_t pixel = window.pixel(dy, dx);
  float values[kCount] = {};
  if (pixel >= 0) {
    const auto from = load_pack<X, kCount>(window.image + pixel * p.channels + (i - tap * p.channels));
#pragma unroll
    for (int j = 0; j < kCount; ++j) values[j] = relu_if(p.relu, from[j]);
  }
  return to_pack<Out>(values);
}

// Grid (blocks of rows, pieces of a row), threads (packs, rows).
template <class X, class Out, int kPack, bool kChannelPacks>
__global__ void __launch_bounds__(kPatchThreads) image_patches_kernel(ImagePatchesParams p) {
  const int64_t width = int64_t(p.kernel) * p.kernel * p.channels;
  const int64_t row = int64_t(blockIdx.x) * blockDim.y + threadIdx.y;
  const int64_t i = (int64_t(blockIdx.y) * blockDim.x + threadIdx.x) * kPack;
  if (row >= p.rows || i >= width) return;
  const Window<X> window(p, p.first_row + row);
  store_pack<Out, kPack>(
      static_cast<Out*>(p.out.data) + row * width + i,
      kChannelPacks ? copy_channels<X, Out, kPack>(window, i) : gather_elements<X, Out, kPack>(window, i));
}

template <class X, class Out, int kPack, bool kChannelPacks>
Status launch_image_patches(const ImagePatchesParams& p, Stream& stream) {
  const int64_t packs = div_up(int64_t(p.kernel) * p.kernel * p.channels, kPack);
  const int64_t across = packs < kPatchThreads ? div_up(packs, kWarp) * kWarp : kPatchThreads;
  const dim3 threads(unsigned(across), unsigned(kPatchThreads / across));
  const dim3 grid(unsigned(div_up(p.rows, threads.y)), unsigned(div_up(packs, across)));
  return launch(stream, image_patches_kernel<X, Out, kPack, kChannelPacks>, grid, threads, 0, p);
}

// Whether pixels are read in packs.
template <class X, int kPack>
bool has_channel_packs(const ImagePatchesParams& p) {
  return !p.planar && aligned(p.x, p.channels, kPack * sizeof(X)) && p.channels % kPack == 0;
}

}  // namespace skipscan::cuda
