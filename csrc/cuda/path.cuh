// How kernels find their way on a scan path.
#pragma once
#include "core/scan_path.h"
#include "cuda/launch.cuh"

namespace skipscan::cuda {

// The sequence that step k belongs to: offsets[s] <= k < offsets[s + 1]. The same for rows that offsets cut into sequences.
__device__ inline int sequence_of(const int32_t* offsets, int sequences, int k) {
  int low = 0, high = sequences - 1;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (offsets[middle + 1] <= k) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace skipscan::cuda
