// RMS normalisation with the residual sum fused in, of all rows or of those that an index names. A block for each row.
// Floor in bytes for each element: x and out, 4 for residual_in, 4 for residual_out; the weight comes from the L1 cache.
#pragma once
#include "cuda/reduce.cuh"
#include "cuda/rows.cuh"
#include "ops/rms_norm.h"

namespace skipscan::cuda {

// kPacks packs for each thread stay in registers from the sum to the result; where that is 0 the row is read twice. A thread writes only where it alone has read, and after that: outputs may be inputs.
template <class T, int kPack, int kPacks>
__global__ void __launch_bounds__(kRowThreads) rms_norm_kernel(RmsNormParams p) {
  const int64_t row = blockIdx.x, from = (p.index ? p.index[row] : row) * p.dim, to = row * p.dim;
  const T* x = static_cast<const T*>(p.x.data) + from;
  const float* residual = p.residual_in ? p.residual_in + from : nullptr;
  float* sums = p.residual_out ? p.residual_out + to : nullptr;
  T* out = static_cast<T*>(p.out.data) + to;

  constexpr int kKept = kPacks > 0 ? kPacks : 1;
  Pack<T, kPack> given[kKept];
  Pack<float, kPack> sum[kKept], weight[kKept];
  const auto load = [&](int64_t c, int i) {
    given[i] = load_pack<T, kPack>(x + c);
    sum[i] = residual ? load_pack<float, kPack>(residual + c) : Pack<float, kPack>();
    weight[i] = load_pack<float, kPack>(p.weight + c);
  };
  const auto add = [&](int i) {
#pragma unroll
    for (int j = 0; j < kPack; ++j) sum[i].set(j, given[i][j] + sum[i][j]);
  };
  float squares = 0;
  if constexpr (kPacks > 0) for_packs<kPack, kPacks>(p.dim, load);  // all on their way before the first is waited for
  for_packs<kPack, kPacks>(p.dim, [&](int64_t c, int i) {
    if constexpr (kPacks == 0) load(c, i);
    add(i);
#pragma unroll
    for (int j = 0; j < kPack; ++j) squares = fmaf(sum[i][j], sum[i][j], squares);
  });
  const float scale = rsqrtf(block_sum(squares) / float(p.dim) + p.eps);
  for_packs<kPack, kPacks>(p.dim, [&](int64_t c, int i) {
    if constexpr (kPacks == 0) {
      load(c, i);
      add(i);
    }
    if (sums) store_pack<float, kPack>(sums + c, sum[i]);
    float y[kPack];
#pragma unroll
    for (int j = 0; j < kPack; ++j) y[j] = sum[i][j] * scale * weight[i][j];
    store_pack<T, kPack>(out + c, to_pack<T>(y));
  });
}

template <class T>
Status launch_rms_norm(const RmsNormParams& p, Stream& stream) {
  constexpr int kPack = 4;  // 16 bytes of the float32 residual, which is most of the traffic
  const bool packed = aligned(p.x, p.dim, kPack * sizeof(T)) && aligned(p.out, p.dim, kPack * sizeof(T)) &&
                      aligned(p.residual_in, p.dim, kPack * 4) && aligned(p.residual_out, p.dim, kPack * 4) &&
                      aligned(p.weight, p.dim, kPack * 4);
  const auto kernel = !packed                ? rms_norm_kernel<T, 1, 0>
                      : p.dim <= kLongestRow ? rms_norm_kernel<T, kPack, kRowShare / kPack>
                                             : rms_norm_kernel<T, kPack, 0>;
  return launch(stream, kernel, dim3(unsigned(p.rows)), threads_for_row(p.dim), 0, p);
}

}  // namespace skipscan::cuda
