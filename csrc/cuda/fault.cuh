// How kernels report a number that is not finite without stopping: the earliest one, by layer, then by row, wins.
#pragma once
#include "cuda/fault.h"
#include "cuda/launch.cuh"

namespace skipscan::cuda {

enum class FaultKind : unsigned { scores, features };

// layer: 24 bits | row: 32 | kind: 1 | what it is: 2 (0 NaN, 1 Infinity, 2 -Infinity)
__device__ inline void report_fault(unsigned long long* fault, int layer, FaultKind kind, int row, float value) {
  const unsigned what = value != value ? 0 : value > 0 ? 1 : 2;
  atomicMin(fault, (unsigned long long)(layer & 0xffffff) << 35 | (unsigned long long)(unsigned(row)) << 3 |
                       (unsigned long long)(kind) << 2 | what);
}

}  // namespace skipscan::cuda
