// Float32 numbers as bf16 ones: one that is near, or three whose sum is the number.
#pragma once
#include "cpu/simd.h"

namespace skipscan::cpu::SKIPSCAN_ISA {

// Upper halves of 32 float32 numbers.
inline __m512i upper_halves(__m512 a, __m512 b) {
  const __m512i odd = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27, 25,
                                       23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  return _mm512_permutex2var_epi16(_mm512_castps_si512(a), odd, _mm512_castps_si512(b));
}

// The number of the upper half.
inline __m512 upper_part(__m512 a) {
  return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(-65536)));
}

// What the upper half leaves of a number: at most 16 bits, and of those again 8. Nothing of an infinity.
inline __m512 lower_part(__m512 a) {
  return _mm512_maskz_sub_ps(_knot_mask16(_mm512_fpclass_ps_mask(a, 0x18)), a, upper_part(a));
}

// To the nearest bf16, in the upper half; NaN stays NaN.
inline __m512 rounded(__m512 a) {
  const __m512i bits = _mm512_castps_si512(a);
  const __m512i last = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(last, _mm512_set1_epi32(0x7fff)));
  const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(1 << 22));
  return _mm512_castsi512_ps(_mm512_mask_mov_epi32(up, _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), quiet));
}

}  // namespace skipscan::cpu::SKIPSCAN_ISA
