// Layer normalisation with the residual sum fused in. A block for each row.
// Floor in bytes for each element: x and out, 4 for residual_in, 4 for residual_out; weight and bias come from the L1 cache.
#pragma once
#include "cuda/reduce.cuh"
#include "cuda/rows.cuh"
#include "ops/layer_norm.h"

namespace skipscan::cuda {

// kPacks packs for each thread stay in registers from the sum to the result; where that is 0 the row is read three times. A
// thread writes only where it alone has read, and after that: outputs may be inputs.
//
// Where a row's values are large and close together, its mean is rounded by more than they differ: so the mean of the distances
// from it, which are exact there, corrects it.
template <class T, int kPack, int kPacks>
__global__ void __launch_bounds__(kRowThreads) layer_norm_kernel(LayerNormParams p) {
  const int64_t row = int64_t(blockIdx.x) * p.dim;
  const T* x = static_cast<const T*>(p.x.data) + row;
  const float* residual = p.residual_in ? p.residual_in + row : nullptr;
  float* sums = p.residual_out ? p.residual_out + row : nullptr;
  T* out = static_cast<T*>(p.out.data) + row;

  constexpr int kKept = kPacks > 0 ? kPacks : 1;
  Pack<T, kPack> given[kKept];
  Pack<float, kPack> sum[kKept];
  const auto load = [&](int64_t c, int i) {
    given[i] = load_pack<T, kPack>(x + c);
    sum[i] = residual ? load_pack<float, kPack>(residual + c) : Pack<float, kPack>();
  };
  const auto add = [&](int i) {
#pragma unroll
    for (int j = 0; j < kPack; ++j) sum[i].set(j, given[i][j] + sum[i][j]);
  };
  const auto load_again = [&](int64_t c, int i) {
    if constexpr (kPacks == 0) {
      load(c, i);
      add(i);
    }
  };

  float total = 0;
  if constexpr (kPacks > 0) for_packs<kPack, kPacks>(p.dim, load);  // all on their way before the first is waited for
  for_packs<kPack, kPacks>(p.dim, [&](int64_t c, int i) {
    if constexpr (kPacks == 0) load(c, i);
    add(i);
#pragma unroll
    for (int j = 0; j < kPack; ++j) total += sum[i][j];
  });
  const float rough = block_sum(total) / float(p.dim);

  float distances[2] = {};  // their sum and that of their squares
  for_packs<kPack, kPacks>(p.dim, [&](int64_t c, int i) {
    load_again(c, i);
#pragma unroll
    for (int j = 0; j < kPack; ++j) {
      const float distance = sum[i][j] - rough;
      distances[0] += distance;
      distances[1] = fmaf(distance, distance, distances[1]);
    }
  });
  block_sums(distances);
  const float rest = distances[0] / float(p.dim);
  const float variance = fmaxf(distances[1] / float(p.dim) - rest * rest, 0);
  const float scale = rsqrtf(variance + p.eps);

  for_packs<kPack, kPacks>(p.dim, [&](int64_t c, int i) {
    load_again(c, i);
    const Pack<float, kPack> weight = load_pack<float, kPack>(p.weight + c), bias = load_pack<float, kPack>(p.bias + c);
    if (sums) store_pack<float, kPack>(sums + c, sum[i]);
    float y[kPack];
#pragma unroll
    for (int j = 0; j < kPack; ++j) y[j] = fmaf((sum[i][j] - rough - rest) * scale, weight[j], bias[j]);
    store_pack<T, kPack>(out + c, to_pack<T>(y));
  });
}

template <class T>
Status launch_layer_norm(const LayerNormParams& p, Stream& stream) {
  constexpr int kPack = 4;  // 16 bytes of the float32 residual, which is most of the traffic
  const bool packed = aligned(p.x, p.dim, kPack * sizeof(T)) && aligned(p.out, p.dim, kPack * sizeof(T)) &&
                      aligned(p.residual_in, p.dim, kPack * 4) && aligned(p.residual_out, p.dim, kPack * 4) &&
                      aligned(p.weight, p.dim, kPack * 4) && aligned(p.bias, p.dim, kPack * 4);
  const auto kernel =
      packed && p.dim <= kLongestRow ? layer_norm_kernel<T, kPack, kRowShare / kPack> : layer_norm_kernel<T, 1, 0>;
  return launch(stream, kernel, dim3(unsigned(p.rows)), threads_for_row(p.dim), 0, p);
}

}  // namespace skipscan::cuda
