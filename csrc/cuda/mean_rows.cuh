// Means of packed rows. Grid: (sequences, spans of channels); the shares of a block are runs of threads that take every
// kMeanShares-th row of the sequence, so that the order of a sum is the sequence's own.
// Floor in bytes: x, once read.
#pragma once
#include "cuda/elements.cuh"
#include "ops/mean_rows.h"

namespace skipscan::cuda {

constexpr int kMeanShares = 8;

template <class T, int kPack>
__global__ void __launch_bounds__(kWarp* kMeanShares) mean_rows_kernel(MeanRowsParams p) {
  SKIPSCAN_SHARED(float, sums, [kMeanShares][kPack][kWarp]);
  const int lane = int(threadIdx.x), share = int(threadIdx.y);
  const int64_t c = (int64_t(blockIdx.y) * kWarp + lane) * kPack;
  const int begin = p.offsets[blockIdx.x], end = p.offsets[blockIdx.x + 1];
  const T* x = static_cast<const T*>(p.x.data) + c;

  float sum[kPack] = {};
  if (c < p.dim) {
#pragma unroll 4
    for (int row = begin + share; row < end; row += kMeanShares) {
      const Pack<T, kPack> v = load_pack<T, kPack>(x + row * p.dim);
#pragma unroll
      for (int i = 0; i < kPack; ++i) sum[i] += v[i];
    }
  }
#pragma unroll
  for (int i = 0; i < kPack; ++i) sums[share][i][lane] = sum[i];
  __syncthreads();
  if (share > 0 || c >= p.dim) return;

  const float count = float(end > begin ? end - begin : 1);
#pragma unroll
  for (int i = 0; i < kPack; ++i) {
#pragma unroll
    for (int other = 1; other < kMeanShares; ++other) sum[i] += sums[other][i][lane];
    sum[i] /= count;
  }
  store_pack<T, kPack>(static_cast<T*>(p.out.data) + blockIdx.x * p.dim + c, to_pack<T>(sum));
}

template <class T>
Status launch_mean_rows(const MeanRowsParams& p, Stream& stream) {
  constexpr int kPack = 4;  // few, for more blocks: sequences alone do not fill a device
  const bool packed = aligned(p.x, p.dim, kPack * sizeof(T)) && aligned(p.out, p.dim, kPack * sizeof(T));
  const dim3 grid(unsigned(p.sequences), unsigned(div_up(p.dim, kWarp * (packed ? kPack : 1))));
  return launch(stream, packed ? mean_rows_kernel<T, kPack> : mean_rows_kernel<T, 1>, grid, dim3(kWarp, kMeanShares), 0,
                p);
}

}  // namespace skipscan::cuda
