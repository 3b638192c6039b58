// What this machine does at most, measured in place.
#pragma once
#include "core/status.h"
#include "ops/backend.h"

namespace skipscan::cpu {

// Each a second.
struct Limits {
  double flops = 0;         // float32 multiply-adds, each two, out of registers
  double bytes = 0;         // read from memory, in order
  double exponentials = 0;  // as the scans make them, out of the first cache
};

// The most that so many threads reach together with the instructions of this backend. Takes some 0.3 seconds and for the while
// 256 MB of memory.
Limits measure_limits(const Backend& backend, int threads);

}  // namespace skipscan::cpu
