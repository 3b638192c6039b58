// Gated RMS normalisation of groups of channels, with scores on the way. A block for each group of each row.
// Floor in bytes for each element: y, z and out; the weight comes from the L1 cache. One exponential and one reciprocal.
#pragma once
#include "cuda/importance.cuh"
#include "cuda/reduce.cuh"
#include "cuda/rows.cuh"
#include "ops/gated_rms_norm.h"

namespace skipscan::cuda {

// kPacks as in rms_norm.cuh; out may be y. Scores are finished here where a row is one group; otherwise `sums`, (rows,
// groups), gets the group's part.
template <class T, int kPack, int kPacks>
__global__ void __launch_bounds__(kRowThreads) gated_rms_norm_kernel(GatedRmsNormParams p, float* sums) {
  const int64_t groups = p.dim / p.group_size, row = blockIdx.x / groups, first = blockIdx.x % groups * p.group_size;
  const T* y = static_cast<const T*>(p.y.data) + row * p.dim + first;
  const T* z = static_cast<const T*>(p.z.data) + row * p.z_stride + first;
  const float* weights = p.weight + first;
  T* out = static_cast<T*>(p.out.data) + row * p.dim + first;

  constexpr int kKept = kPacks > 0 ? kPacks : 1;
  Pack<T, kPack> given[kKept], gate[kKept];
  float v[kKept][kPack], factor[kKept][kPack];  // what is normalised, and what that is multiplied with
  const auto load = [&](int64_t c, int i) {
    given[i] = load_pack<T, kPack>(y + c);
    gate[i] = load_pack<T, kPack>(z + c);
    load_floats<kPack>(weights + c, factor[i]);
  };
  const auto open = [&](int i) {
#pragma unroll
    for (int j = 0; j < kPack; ++j) {
      const float share = silu(gate[i][j]);
      v[i][j] = p.norm_before_gate ? given[i][j] : given[i][j] * share;
      if (p.norm_before_gate) factor[i][j] *= share;
    }
  };
  float squares = 0;
  if constexpr (kPacks > 0) for_packs<kPack, kPacks>(p.group_size, load);
  for_packs<kPack, kPacks>(p.group_size, [&](int64_t c, int i) {
    if constexpr (kPacks == 0) load(c, i);
    open(i);
#pragma unroll
    for (int j = 0; j < kPack; ++j) squares = fmaf(v[i][j], v[i][j], squares);
  });
  const float scale = rsqrtf(block_sum(squares) / float(p.group_size) + p.eps);
  float sum = 0;
  for_packs<kPack, kPacks>(p.group_size, [&](int64_t c, int i) {
    if constexpr (kPacks == 0) {
      load(c, i);
      open(i);
    }
#pragma unroll
    for (int j = 0; j < kPack; ++j) {
      v[i][j] *= scale * factor[i][j];
      if (p.importance) sum = add_channel(p.metric, sum, v[i][j]);
    }
    store_pack<T, kPack>(out + c, to_pack<T>(v[i]));
  });
  if (!p.importance) return;
  sum = block_sum(sum);
  if (threadIdx.x > 0) return;
  if (groups == 1) {
    p.importance[row] = score(p.metric, sum / float(p.dim));
  } else {
    sums[blockIdx.x] = sum;
  }
}

constexpr int kFinishThreads = 128;

// A row's score from the sums of its groups. A thread for each row.
__global__ void __launch_bounds__(kFinishThreads) finish_gated_scores(GatedRmsNormParams p, const float* sums) {
  const int64_t groups = p.dim / p.group_size, row = int64_t(blockIdx.x) * kFinishThreads + threadIdx.x;
  if (row >= p.rows) return;
  float sum = 0;
  for (int64_t i = 0; i < groups; ++i) sum += sums[row * groups + i];
  p.importance[row] = score(p.metric, sum / float(p.dim));
}

template <class T>
Status launch_gated_rms_norm(const GatedRmsNormParams& p, Stream& stream) {
  const int64_t groups = p.dim / p.group_size;
  const bool apart = p.importance && groups > 1;
  void* scratch = nullptr;
  if (apart) SKIPSCAN_TRY(stream.scratch(size_t(p.rows * groups) * sizeof(float), &scratch));
  float* sums = static_cast<float*>(scratch);
  constexpr int kPack = 16 / sizeof(T);
  const bool packed = p.group_size % kPack == 0 && aligned(p.y, p.dim, 16) && aligned(p.z, p.z_stride, 16) &&
                      aligned(p.out, p.dim, 16) && aligned(p.weight, p.group_size, 16);
  const auto kernel = !packed                       ? gated_rms_norm_kernel<T, 1, 0>
                      : p.group_size <= kLongestRow ? gated_rms_norm_kernel<T, kPack, kRowShare / kPack>
                                                    : gated_rms_norm_kernel<T, kPack, 0>;
  SKIPSCAN_TRY(launch(stream, kernel, dim3(unsigned(p.rows * groups)), threads_for_row(p.group_size), 0, p, sums));
  if (!apart) return {};
  const dim3 grid(unsigned(div_up(p.rows, kFinishThreads)));
  return launch(stream, finish_gated_scores, grid, dim3(kFinishThreads), 0, p, sums);
}

}  // namespace skipscan::cuda
