// Depthwise convolution over a grid. A block looks up which rows the taps of some rows meet, once for all channels; then a thread
// has a pack of channels of kConv2dRows rows, so that a weight is read once for them. Neighbouring rows meet the same inputs,
// which stay in the first cache as the weights do.
// Floor in bytes for each row and channel: x, once, and out; added, 4. Multiply-adds: one for each tap that meets a row.
#pragma once
#include "cuda/elements.cuh"
#include "cuda/path.cuh"
#include "ops/depthwise_conv2d.h"

namespace skipscan::cuda {

constexpr int kConv2dRows = 4;    // of a thread
constexpr int kConv2dGroups = 4;  // of threads with the same channels
constexpr int kConv2dBlockRows = kConv2dRows * kConv2dGroups;

// The row that a tap of `row` meets, or -1.
__device__ inline int met_row(const DepthwiseConv2dParams& p, int64_t row, int tap) {
  if (row >= p.rows) return -1;
  const int position = p.positions[row], dy = tap / p.size;
  const int y = position / p.width + dy - p.size / 2, x = position % p.width + tap - dy * p.size - p.size / 2;
  if (y < 0 || y >= p.height || x < 0 || x >= p.width) return -1;
  return p.row_at[(int64_t(y) * p.width + x) * p.sequences + sequence_of(p.offsets, p.sequences, int(row))];
}

__device__ inline float activate(Activation activation, float v) {
  switch (activation) {
    case Activation::silu: return silu(v);
    case Activation::gelu: return 0.5f * v * (1 + erff(v * 0.707106781f));
    default: return v;
  }
}

// The rows of a thread.
template <class T, int kPack>
struct Conv2dSums {
  const DepthwiseConv2dParams& p;
  int64_t c;
  float sums[kConv2dRows][kPack];

  __device__ Conv2dSums(const DepthwiseConv2dParams& p, int64_t c) : p(p), c(c) {
    const auto bias = p.bias ? load_pack<float, kPack>(p.bias + c) : Pack<float, kPack>();
#pragma unroll
    for (int r = 0; r < kConv2dRows; ++r) {
#pragma unroll
      for (int i = 0; i < kPack; ++i) sums[r][i] = bias[i];
    }
  }

  // sums[r] += weight * the input of a row
  __device__ void add(int r, const Pack<float, kPack>& weight, int64_t row) {
    const auto x = load_pack<T, kPack>(static_cast<const T*>(p.x.data) + row * p.x_stride + c);
    const auto added = p.added ? load_pack<float, kPack>(p.added + row * p.channels + c) : Pack<float, kPack>();
#pragma unroll
    for (int i = 0; i < kPack; ++i) sums[r][i] = fmaf(weight[i], x[i] + added[i], sums[r][i]);
  }

  __device__ void store_row(int r, int64_t row) {
#pragma unroll
    for (int i = 0; i < kPack; ++i) sums[r][i] = activate(p.activation, sums[r][i]);
    store_pack<T, kPack>(static_cast<T*>(p.out.data) + row * p.out_stride + c, to_pack<T>(sums[r]));
  }
};

// Grid (blocks of rows, blocks of channels), threads (kWarp packs of channels, groups of rows).
template <class T, int kPack>
__global__ void __launch_bounds__(kWarp* kConv2dGroups) conv2d_kernel(DepthwiseConv2dParams p) {
  SKIPSCAN_DYNAMIC_SHARED(int, met);  // (taps, kConv2dBlockRows)
  const int64_t first = int64_t(blockIdx.x) * kConv2dBlockRows;
  const int taps = p.size * p.size;
  for (int i = int(threadIdx.y) * kWarp + int(threadIdx.x); i < taps * kConv2dBlockRows; i += kWarp * kConv2dGroups) {
    met[i] = met_row(p, first + i % kConv2dBlockRows, i / kConv2dBlockRows);
  }
  __syncthreads();
  const int64_t c = (int64_t(blockIdx.y) * kWarp + threadIdx.x) * kPack;
  if (c >= p.channels) return;
  const int own = int(threadIdx.y) * kConv2dRows;
  Conv2dSums<T, kPack> sums(p, c);
  for (int tap = 0; tap < taps; ++tap) {
    const auto weight = load_pack<float, kPack>(p.weight + tap * p.channels + c);
#pragma unroll
    for (int r = 0; r < kConv2dRows; ++r) {
      const int row = met[tap * kConv2dBlockRows + own + r];
      if (row >= 0) sums.add(r, weight, row);
    }
  }
#pragma unroll
  for (int r = 0; r < kConv2dRows; ++r) {
    if (first + own + r < p.rows) sums.store_row(r, first + own + r);
  }
}

template <class T, int kPack>
Status launch_conv2d(const DepthwiseConv2dParams& p, Stream& stream) {
  const dim3 grid(unsigned(div_up(p.rows, kConv2dBlockRows)), unsigned(div_up(p.channels, kWarp * kPack)));
  const size_t shared = size_t(p.size) * size_t(p.size) * kConv2dBlockRows * sizeof(int);
  return launch(stream, conv2d_kernel<T, kPack>, grid, dim3(kWarp, kConv2dGroups), shared, p);
}

}  // namespace skipscan::cuda
