// What an instruction set does at most, as loops that keep one thread at it: the limits that operators are measured against
// (limits.h).
#pragma once
#include <cstdint>

namespace skipscan::cpu {

struct Probes {
  // Operations of one round of multiply_adds, each two.
  int64_t round_flops;
  // Multiply-adds in registers. The result only says that they were made.
  float (*multiply_adds)(int64_t rounds);
  // to[i] = 2^from[i], as the scans have it, from[i] at most 0. `count` is a multiple of 128, as it is of read.
  void (*exponentials)(const float* from, float* to, int64_t count);
  // The sum of values, read once and in order.
  float (*read)(const float* from, int64_t count);
};

}  // namespace skipscan::cpu
