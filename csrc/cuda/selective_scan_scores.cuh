// Scores of the steps of a path from sums over parts of their channels.
#pragma once
#include "cuda/importance.cuh"

namespace skipscan::cuda {

// scores[rows[k]] for every step k from `sums`, (parts, steps), or the means of these and of `scores_in`. A block has kSteps steps, and kShares threads that share out the
// parts of each. Grid: steps / kSteps. Floor: the sums, read once.
template <int kSteps, int kShares>
__global__ void __launch_bounds__(kSteps* kShares)
    selective_scores(const float* sums, int parts, int steps, float channels, ImportanceMetric metric,
                     const int32_t* rows, const float* scores_in, float* scores) {
  SKIPSCAN_SHARED(float, totals, [kShares][kSteps]);
  const int64_t step = int64_t(blockIdx.x) * kSteps + threadIdx.x;
  float total = 0;
  if (step < steps) {
#pragma unroll 8
    for (int64_t i = threadIdx.y; i < parts; i += kShares) total += sums[i * steps + step];
  }
  totals[threadIdx.y][threadIdx.x] = total;
  __syncthreads();
  if (threadIdx.y > 0 || step >= steps) return;
#pragma unroll
  for (int i = 1; i < kShares; ++i) total += totals[i][threadIdx.x];
  const int row = rows[step];
  const float own = score(metric, total / channels);
  scores[row] = scores_in ? (scores_in[row] + own) / 2 : own;
}

inline Status launch_selective_scores(const float* sums, int parts, const PathView& path, int channels,
                                      ImportanceMetric metric, const int32_t* rows, const float* scores_in,
                                      float* scores, Stream& stream) {
  if (path.steps == 0) return {};
  constexpr int kSteps = 32, kShares = 16;
  return launch(stream, selective_scores<kSteps, kShares>, dim3(unsigned(div_up(path.steps, kSteps))),
                dim3(kSteps, kShares), 0, sums, parts, path.steps, float(channels), metric, rows, scores_in, scores);
}

}  // namespace skipscan::cuda
