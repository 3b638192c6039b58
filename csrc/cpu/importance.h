// Importance scores of kernels that share the channels of a row out among threads: each part of the channels has its own sum,
// and the sums are added up afterwards, always in the same order.
#pragma once
#include "cpu/parallel.h"
#include "ops/importance.h"

namespace skipscan::cpu::SKIPSCAN_ISA {

// A sum that one more vector of channels was added to, as the metric has it. Lanes of 0 add nothing.
inline Vec add_channels(ImportanceMetric metric, Vec sum, Vec v) {
  switch (metric) {
    case ImportanceMetric::clip: return sum + max(set1(0), v);  // this way round NaN stays NaN
    case ImportanceMetric::l1: return sum + abs(v);
    case ImportanceMetric::l2: return fma(v, v, sum);
    default: return sum + v;
  }
}

// The score, from the sum over all channels divided by their number.
inline float score(ImportanceMetric metric, float mean) {
  return metric == ImportanceMetric::l2 ? __builtin_sqrtf(mean) : mean;
}

// The sum of the lanes of each vector. Put off until there are some, no sum has to wait for the one before it.
inline void store_sums(const Vec* terms, int64_t count, float* sums) {
  for (int64_t k = 0; k < count; ++k) sums[k] = sum(terms[k]);
}

// scores[rows[k]] for every step k, from the sums of each part of its channels, (parts, steps); the means of these and of
// `scores_in` where it is given. Steps lie in the lanes.
inline void finish_scores(const float* sums, int64_t parts, int64_t steps, int64_t channels, ImportanceMetric metric,
                          const int32_t* rows, const float* scores_in, float* scores, ThreadPool& pool) {
  parallel_rows(pool, ceil_div(steps, kWidth), parts * kWidth, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin * kWidth; k < min(end * kWidth, steps); k += kWidth) {
      Vec totals[4] = {set1(0), set1(0), set1(0), set1(0)};
      for (int64_t i = 0; i < parts; ++i) totals[i % 4] = totals[i % 4] + load_some(sums + i * steps + k, steps - k);
      float means[kWidth];
      store(means, ((totals[0] + totals[1]) + (totals[2] + totals[3])) / set1(float(channels)));
      for (int64_t j = 0; j < min(kWidth, steps - k); ++j) {
        const int64_t row = rows[k + j];
        const float own = score(metric, means[j]);
        scores[row] = scores_in ? (scores_in[row] + own) / 2 : own;
      }
    }
  });
}

// The same for the scans. Their sums lie in the pool's shared memory. A score of dt belongs to the row that the dt is of.
template <class ScanParams>
void finish_scan_scores(const ScanParams& p, int64_t parts, int64_t channels, ThreadPool& pool) {
  const int32_t* rows = p.metric == ImportanceMetric::delta ? p.path.param_index : p.path.index;
  const float* scores_in = nullptr;
  if constexpr (requires { p.importance_in; }) scores_in = p.importance_in;
  finish_scores(pool.shared<float>(), parts, p.path.steps, channels, p.metric, rows, scores_in, p.importance, pool);
}

}  // namespace skipscan::cpu::SKIPSCAN_ISA
