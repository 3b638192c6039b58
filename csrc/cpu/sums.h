// Sums over the elements of a row, in float32 and in one order: the lanes of four vectors, so that no partial sum has many
// terms.
#pragma once
#include "cpu/simd.h"

namespace skipscan::cpu::SKIPSCAN_ISA {

// Calls add(sum, c, n) for every vector of [0, size), where n elements are left from c on, to have it add something to one of
// four sums; lanes from n on must add nothing. Returns their total.
template <class Add>
float total(int64_t size, const Add& add) {
  Vec sums[4] = {set1(0), set1(0), set1(0), set1(0)};
  int64_t c = 0;
  for (; c + 4 * kWidth <= size; c += 4 * kWidth)
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) add(sums[i], c + i * kWidth, int64_t(kWidth));
  for (; c < size; c += kWidth) add(sums[0], c, size - c);
  return sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// The 2-norm of a row.
inline float norm(const float* v, int64_t size) {
  return __builtin_sqrtf(total(size, [v](Vec& sum, int64_t c, int64_t n) {
    const Vec x = load_some(v + c, n);
    sum = fma(x, x, sum);
  }));
}

}  // namespace skipscan::cpu::SKIPSCAN_ISA
