// The most that this GPU does, measured in the same run as the operators that are held against it.
#pragma once
#include "timer.h"

namespace skipscan::bench {

struct Ceilings {
  double bytes_per_second = 0;         // of device memory: the faster of a copy (bytes read and written) and of a read
  double exponentials_per_second = 0;  // of the special function units
  double flops_per_second = 0;         // of bf16 products with float32 sums, by the backend's own operator `linear`
};

// Throws std::runtime_error.
Ceilings measure_ceilings(cuda::Stream& stream, Timer& timer);

}  // namespace skipscan::bench
