// Scores of the steps of a path from sums over parts of their channels.
#pragma once
#include "cuda/importance.cuh"

namespace skipscan::cuda {

constexpr int kScoreSteps = 32, kScoreThreads = 16;  // of a block: steps, and threads that share out the parts of each

// scores[rows[k]] for every step k from `sums`, (parts, steps). Grid: steps / kScoreSteps. Floor: the sums, read once.
__global__ void __launch_bounds__(kScoreSteps* kScoreThreads)
    selective_scores(const float* sums, int parts, int steps, float channels, ImportanceMetric metric,
                     const int32_t* rows, float* scores) {
  SKIPSCAN_SHARED(float, totals, [kScoreThreads][kScoreSteps]);
  const int64_t step = int64_t(blockIdx.x) * kScoreSteps + threadIdx.x;
  float total = 0;
  if (step < steps) {
#pragma unroll 8
    for (int64_t i = threadIdx.y; i < parts; i += kScoreThreads) total += sums[i * steps + step];
  }
  totals[threadIdx.y][threadIdx.x] = total;
  __syncthreads();
  if (threadIdx.y > 0 || step >= steps) return;
#pragma unroll
  for (int i = 1; i < kScoreThreads; ++i) total += totals[i][threadIdx.x];
  scores[rows[step]] = score(metric, total / channels);
}

inline Status launch_selective_scores(const float* sums, int parts, const PathView& path, int channels,
                                      ImportanceMetric metric, const int32_t* rows, float* scores, Stream& stream) {
  if (path.steps == 0) return {};
  return launch(stream, selective_scores, dim3(unsigned(div_up(path.steps, kScoreSteps))),
                dim3(kScoreSteps, kScoreThreads), 0, sums, parts, path.steps, float(channels), metric, rows, scores);
}

}  // namespace skipscan::cuda
