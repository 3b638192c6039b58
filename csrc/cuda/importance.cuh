// Importance scores of rows whose channels are shared out among threads: sums of the parts, added up in one order.
#pragma once
#include "cuda/launch.cuh"
#include "ops/importance.h"

namespace skipscan::cuda {

// A sum that one more channel was added to, as the metric has it; 0 adds nothing and what is not a number stays that. Costs
// nothing to choose where `metric` is a constant of the kernel.
__device__ inline float add_channel(ImportanceMetric metric, float sum, float v) {
  switch (metric) {
    case ImportanceMetric::clip: return sum + (v < 0 ? 0 : v);
    case ImportanceMetric::l1: return sum + fabsf(v);
    case ImportanceMetric::l2: return fmaf(v, v, sum);
    default: return sum + v;
  }
}

// The score, from the sum over all channels divided by their number.
__device__ inline float score(ImportanceMetric metric, float mean) {
  return metric == ImportanceMetric::l2 ? sqrtf(mean) : mean;
}

}  // namespace skipscan::cuda
