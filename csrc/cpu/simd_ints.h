// Whole numbers in the lanes of a vector, for the instruction sets of simd.h: what products of 8-bit weights need.
#pragma once
#include "cpu/simd.h"

namespace skipscan::cpu::SKIPSCAN_ISA {

// Ints are kWidth numbers of 32 bits, Shorts twice as many of 16. Weights come in quads: four columns of one output.

#if defined(__AVX512F__)

struct Ints {
  __m512i v;
};
struct Shorts {
  __m512i v;
};
inline Ints zero_ints() { return {_mm512_setzero_si512()}; }
// kWidth / 2 quads of weights.
inline Shorts load_quads(const int8_t* p) {
  return {_mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
// The same quad in every place.
inline Shorts set_quad(const int16_t* p) {
  int64_t quad;
  memcpy(&quad, p, sizeof quad);
  return {_mm512_set1_epi64(quad)};
}
// Adds products up in pairs: lanes 2i and 2i + 1 are what the halves of quad i come to.
inline Ints multiply_add(Shorts a, Shorts b, Ints sum) {
  return {_mm512_add_epi32(sum.v, _mm512_madd_epi16(a.v, b.v))};
}
// Lanes 2i and 2i + 1 of a together, then those of b.
inline Ints add_pairs(Ints a, Ints b) {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  return {_mm512_add_epi32(_mm512_permutex2var_epi32(a.v, even, b.v), _mm512_permutex2var_epi32(a.v, odd, b.v))};
}
inline Vec to_floats(Ints a) { return {_mm512_cvtepi32_ps(a.v)}; }
// To nearest, even where two are as near; |v| < 2^15.
inline void store_rounded(int16_t* p, Vec v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(v.v)));
}

#elif defined(__AVX2__)

struct Ints {
  __m256i v;
};
struct Shorts {
  __m256i v;
};
inline Ints zero_ints() { return {_mm256_setzero_si256()}; }
inline Shorts load_quads(const int8_t* p) {
  return {_mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
inline Shorts set_quad(const int16_t* p) {
  int64_t quad;
  memcpy(&quad, p, sizeof quad);
  return {_mm256_set1_epi64x(quad)};
}
inline Ints multiply_add(Shorts a, Shorts b, Ints sum) {
  return {_mm256_add_epi32(sum.v, _mm256_madd_epi16(a.v, b.v))};
}
inline Ints add_pairs(Ints a, Ints b) {
  return {_mm256_permute4x64_epi64(_mm256_hadd_epi32(a.v, b.v), 0xd8)};  // hadd mixes the halves of a and b
}
inline Vec to_floats(Ints a) { return {_mm256_cvtepi32_ps(a.v)}; }
inline void store_rounded(int16_t* p, Vec v) {
  const __m256i whole = _mm256_cvtps_epi32(v.v);
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi32(whole, whole), 0xd8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(packed));
}

#else

struct Ints {
  Int4 v;
};
struct Shorts {
  int16_t v[8];
};
inline Ints zero_ints() { return {Int4{0, 0, 0, 0}}; }
inline Shorts load_quads(const int8_t* p) {
  Shorts a;
  for (int i = 0; i < 8; ++i) a.v[i] = p[i];
  return a;
}
inline Shorts set_quad(const int16_t* p) {
  Shorts a;
  for (int i = 0; i < 8; ++i) a.v[i] = p[i % 4];
  return a;
}
inline Ints multiply_add(Shorts a, Shorts b, Ints sum) {
  for (int i = 0; i < 4; ++i) sum.v[i] += a.v[2 * i] * b.v[2 * i] + a.v[2 * i + 1] * b.v[2 * i + 1];
  return sum;
}
inline Ints add_pairs(Ints a, Ints b) {
  return {Int4{a.v[0] + a.v[1], a.v[2] + a.v[3], b.v[0] + b.v[1], b.v[2] + b.v[3]}};
}
inline Vec to_floats(Ints a) { return {__builtin_convertvector(a.v, Float4)}; }
inline void store_rounded(int16_t* p, Vec v) {
  Vec whole, rest;
  split(v, whole, rest);
  for (int i = 0; i < 4; ++i) p[i] = int16_t(whole.v[i]);
}

#endif

}  // namespace skipscan::cpu::SKIPSCAN_ISA
