// Inputs of products with 8-bit weights.
#pragma once
#include "cpu/parallel.h"
#include "cpu/simd_ints.h"
#include "ops/weight_matrix.h"

namespace skipscan::cpu::SKIPSCAN_ISA {

// One block of inputs in whole numbers, the rest filled up with zeros: x = scale * q, |q| <= kLargestInput. NaN is the scale of a
// block that holds something which is not finite.
constexpr int kLargestInput = 127 * 256 + 127;  // its upper and lower byte are both within -128 .. 127
inline float quantize(const float* x, int64_t count, int16_t (&q)[kScaledColumns]) {
  Vec largest = set1(0), zeros = set1(0);
  for (int64_t c = 0; c < count; c += kWidth) {
    const Vec v = load_some(x + c, count - c);
    largest = max(largest, abs(v));
    zeros = fma(v, set1(0), zeros);
  }
  const float most = greatest(largest);
  const bool zero = most < 0x1p-100f;  // or so small that its inverse overflows
  const Vec inverse = set1(zero ? 0 : kLargestInput / most);
  const float scale = (zero ? 0 : most / kLargestInput) + sum(zeros);
  const bool finite = scale == scale;
  for (int64_t c = 0; c < kScaledColumns; c += kWidth) {
    store_rounded(q + c, c < count && finite ? load_some(x + c, count - c) * inverse : set1(0));
  }
  return scale;
}

}  // namespace skipscan::cpu::SKIPSCAN_ISA
