// One vector type for three instruction sets. A kernel file is written once in terms of Vec and compiled once
// for each, in the namespace that SKIPSCAN_ISA names (avx512, avx2, portable). Because these files are
// compiled for processors that the machine may lack, they must not emit shared inline code: no std::
// templates that could be merged with another file's.
#pragma once
#include <cstdint>
#include <cstring>

#include "core/dtype.h"

#ifndef SKIPSCAN_ISA
#error "compile kernel files through CMakeLists.txt, which defines SKIPSCAN_ISA"
#endif
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define SKIPSCAN_NAME_(x) #x
#define SKIPSCAN_NAME(x) SKIPSCAN_NAME_(x)

namespace skipscan::cpu::SKIPSCAN_ISA {

constexpr const char* kIsa = SKIPSCAN_NAME(SKIPSCAN_ISA);

#if defined(__AVX512F__)

struct Vec {
  static constexpr int width = 16;
  __m512 v;
};
inline __mmask16 lanes(int n) { return n >= 16 ? __mmask16(0xffff) : __mmask16((1u << n) - 1); }
inline Vec set1(float x) { return {_mm512_set1_ps(x)}; }
inline Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline Vec load(const float* p, int n) { return {_mm512_maskz_loadu_ps(lanes(n), p)}; }  // lanes from n on are 0
inline Vec load(const bf16* p) {
  return {_mm512_castsi512_ps(
      _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))), 16))};
}
inline Vec load(const f16* p) { return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))}; }
inline void load_pairs(const bf16* p, Vec& even, Vec& odd) {  // of 2 * width elements those with even and odd numbers
  const __m512i pairs = _mm512_loadu_si512(p);
  even.v = _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
  odd.v = _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(-65536)));
}
inline void store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
inline void store(float* p, Vec a, int n) { _mm512_mask_storeu_ps(p, lanes(n), a.v); }  // lanes from n on are untouched
inline Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }  // a * b + c
inline Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
inline Vec min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
inline Vec abs(Vec a) { return {_mm512_abs_ps(a.v)}; }
inline Vec sqrt(Vec a) { return {_mm512_sqrt_ps(a.v)}; }
inline void split(Vec a, Vec& whole, Vec& rest) {  // a = whole + rest, rest in [-1/2, 1/2]
  rest.v = _mm512_reduce_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  whole = a - rest;
}
inline Vec scale2(Vec a, Vec n) { return {_mm512_scalef_ps(a.v, n.v)}; }  // a * 2^floor(n)
inline float sum(Vec a) { return _mm512_reduce_add_ps(a.v); }
inline float greatest(Vec a) { return _mm512_reduce_max_ps(a.v); }
inline void transpose(Vec (&m)[16]) {  // lane j of m[i] and lane i of m[j] change places
  Vec t[16];
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {  // 4 x 4 squares within the quarters of the vectors
    const __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(m[i].v, m[i + 1].v));
    const __m512d b = _mm512_castps_pd(_mm512_unpackhi_ps(m[i].v, m[i + 1].v));
    const __m512d c = _mm512_castps_pd(_mm512_unpacklo_ps(m[i + 2].v, m[i + 3].v));
    const __m512d d = _mm512_castps_pd(_mm512_unpackhi_ps(m[i + 2].v, m[i + 3].v));
    t[i].v = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
    t[i + 1].v = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
    t[i + 2].v = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
    t[i + 3].v = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {  // then the squares themselves
    const __m512 a = _mm512_shuffle_f32x4(t[i].v, t[i + 4].v, 0x88), b = _mm512_shuffle_f32x4(t[i].v, t[i + 4].v, 0xdd);
    const __m512 c = _mm512_shuffle_f32x4(t[i + 8].v, t[i + 12].v, 0x88);
    const __m512 d = _mm512_shuffle_f32x4(t[i + 8].v, t[i + 12].v, 0xdd);
    m[i].v = _mm512_shuffle_f32x4(a, c, 0x88);
    m[i + 4].v = _mm512_shuffle_f32x4(b, d, 0x88);
    m[i + 8].v = _mm512_shuffle_f32x4(a, c, 0xdd);
    m[i + 12].v = _mm512_shuffle_f32x4(b, d, 0xdd);
  }
}

#elif defined(__AVX2__)

struct Vec {
  static constexpr int width = 8;
  __m256 v;
};
inline __m256i lanes(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline Vec set1(float x) { return {_mm256_set1_ps(x)}; }
inline Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
inline Vec load(const float* p, int n) { return {_mm256_maskload_ps(p, lanes(n))}; }
inline Vec load(const bf16* p) {
  return {_mm256_castsi256_ps(
      _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))), 16))};
}
inline Vec load(const f16* p) { return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))}; }
inline void load_pairs(const bf16* p, Vec& even, Vec& odd) {
  const __m256i pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  even.v = _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
  odd.v = _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(-65536)));
}
inline void store(float* p, Vec a) { _mm256_storeu_ps(p, a.v); }
inline void store(float* p, Vec a, int n) { _mm256_maskstore_ps(p, lanes(n), a.v); }
inline Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
inline Vec min(Vec a, Vec b) { return {_mm256_min_ps(a.v, b.v)}; }
inline Vec abs(Vec a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.f), a.v)}; }
inline Vec sqrt(Vec a) { return {_mm256_sqrt_ps(a.v)}; }
inline void split(Vec a, Vec& whole, Vec& rest) {
  whole.v = _mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  rest = a - whole;
}
inline Vec scale2(Vec a, Vec n) {
  const __m256i e = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n.v), _mm256_set1_epi32(127)), 23);
  return {_mm256_mul_ps(a.v, _mm256_castsi256_ps(e))};
}
inline float sum(Vec a) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}
inline float greatest(Vec a) {
  __m128 m = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  m = _mm_max_ps(m, _mm_movehl_ps(m, m));
  return _mm_cvtss_f32(_mm_max_ss(m, _mm_shuffle_ps(m, m, 1)));
}
inline void transpose(Vec (&m)[8]) {
  Vec t[8];
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    const __m256d a = _mm256_castps_pd(_mm256_unpacklo_ps(m[i].v, m[i + 1].v));
    const __m256d b = _mm256_castps_pd(_mm256_unpackhi_ps(m[i].v, m[i + 1].v));
    const __m256d c = _mm256_castps_pd(_mm256_unpacklo_ps(m[i + 2].v, m[i + 3].v));
    const __m256d d = _mm256_castps_pd(_mm256_unpackhi_ps(m[i + 2].v, m[i + 3].v));
    t[i].v = _mm256_castpd_ps(_mm256_unpacklo_pd(a, c));
    t[i + 1].v = _mm256_castpd_ps(_mm256_unpackhi_pd(a, c));
    t[i + 2].v = _mm256_castpd_ps(_mm256_unpacklo_pd(b, d));
    t[i + 3].v = _mm256_castpd_ps(_mm256_unpackhi_pd(b, d));
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    m[i].v = _mm256_permute2f128_ps(t[i].v, t[i + 4].v, 0x20);
    m[i + 4].v = _mm256_permute2f128_ps(t[i].v, t[i + 4].v, 0x31);
  }
}

#else  // portable: the compiler's own vectors (SSE2, NEON, ...)

typedef float Float4 __attribute__((vector_size(16)));
typedef int32_t Int4 __attribute__((vector_size(16)));
typedef uint16_t Short4 __attribute__((vector_size(8)));

struct Vec {
  static constexpr int width = 4;
  Float4 v;
};
inline Vec set1(float x) { return {Float4{x, x, x, x}}; }
inline Vec load(const float* p) {
  Vec a;
  memcpy(&a.v, p, 16);
  return a;
}
inline Vec load(const float* p, int n) {
  Vec a = {Float4{0, 0, 0, 0}};
  memcpy(&a.v, p, n >= 4 ? 16 : size_t(n) * 4);
  return a;
}
inline Vec load(const bf16* p) {
  Short4 bits;
  memcpy(&bits, p, 8);
  return {Float4(__builtin_convertvector(bits, Int4) << 16)};
}
inline Vec load(const f16* p) { return {Float4{to_float(p[0]), to_float(p[1]), to_float(p[2]), to_float(p[3])}}; }
inline void load_pairs(const bf16* p, Vec& even, Vec& odd) {
  even.v = Float4{to_float(p[0]), to_float(p[2]), to_float(p[4]), to_float(p[6])};
  odd.v = Float4{to_float(p[1]), to_float(p[3]), to_float(p[5]), to_float(p[7])};
}
inline void store(float* p, Vec a) { memcpy(p, &a.v, 16); }
inline void store(float* p, Vec a, int n) { memcpy(p, &a.v, n >= 4 ? 16 : size_t(n) * 4); }
inline Vec operator+(Vec a, Vec b) { return {a.v + b.v}; }
inline Vec operator-(Vec a, Vec b) { return {a.v - b.v}; }
inline Vec operator*(Vec a, Vec b) { return {a.v * b.v}; }
inline Vec operator/(Vec a, Vec b) { return {a.v / b.v}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {a.v * b.v + c.v}; }
inline Vec max(Vec a, Vec b) { return {a.v > b.v ? a.v : b.v}; }
inline Vec min(Vec a, Vec b) { return {a.v < b.v ? a.v : b.v}; }
inline Vec abs(Vec a) { return {Float4(Int4(a.v) & 0x7fffffff)}; }
inline Vec sqrt(Vec a) {
  return {Float4{__builtin_sqrtf(a.v[0]), __builtin_sqrtf(a.v[1]), __builtin_sqrtf(a.v[2]), __builtin_sqrtf(a.v[3])}};
}
inline void split(Vec a, Vec& whole, Vec& rest) {  // adding 1.5 * 2^23 leaves no bits for a fraction; |a| < 2^22 here
  whole.v = (a.v + 12582912.f) - 12582912.f;
  rest = a - whole;
}
inline Vec scale2(Vec a, Vec n) { return {a.v * Float4((__builtin_convertvector(n.v, Int4) + 127) << 23)}; }
inline float sum(Vec a) { return (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]); }
inline float greatest(Vec a) {
  const float x = a.v[0] > a.v[1] ? a.v[0] : a.v[1], y = a.v[2] > a.v[3] ? a.v[2] : a.v[3];
  return x > y ? x : y;
}
inline void transpose(Vec (&m)[4]) {
  const Float4 a = m[0].v, b = m[1].v, c = m[2].v, d = m[3].v;
  m[0].v = Float4{a[0], b[0], c[0], d[0]};
  m[1].v = Float4{a[1], b[1], c[1], d[1]};
  m[2].v = Float4{a[2], b[2], c[2], d[2]};
  m[3].v = Float4{a[3], b[3], c[3], d[3]};
}

#endif

constexpr int kWidth = Vec::width;
constexpr float kLog2e = 1.44269504088896341f;

// Loads and stores all lanes, or the first n of them at a row's end.
inline Vec load_some(const float* p, int64_t n) { return n >= kWidth ? load(p) : load(p, int(n)); }
inline void store_some(float* p, Vec a, int64_t n) {
  if (n >= kWidth)
    store(p, a);
  else
    store(p, a, int(n));
}

// The first n lanes; the others are 0.
inline Vec first_lanes(Vec v, int64_t n) {
  if (n >= kWidth) return v;
  float lanes[kWidth];
  store(lanes, v);
  return load(lanes, int(n));
}

#if defined(__AVX512F__)

// 2^x for x <= 126, relative error about 7e-8; below -126 it is 0 (denormals.h): 2^(x - floor(x)), which scalef multiplies by
// 2^floor(x).
inline Vec exp2(Vec x) {
  const Vec f = {_mm512_reduce_ps(x.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
  Vec p = set1(2.1612916e-4f);  // minimax on [0, 1] among those that are 1 at 0
  p = fma(p, f, set1(1.2467846e-3f));
  p = fma(p, f, set1(9.6754516e-3f));
  p = fma(p, f, set1(5.5485282e-2f));
  p = fma(p, f, set1(2.4022931e-1f));
  p = fma(p, f, set1(6.9314706e-1f));
  p = fma(p, f, set1(1.f));
  return scale2(p, x);
}

#else

// 2^x for x <= 126, relative error about 2e-7; below -126 it is 2^-126.
inline Vec exp2(Vec x) {
  x = max(x, set1(-126.f));
  Vec n, f;
  split(x, n, f);
  Vec p = set1(1.3264727e-3f);  // minimax on [-1/2, 1/2] among those that are 1 at 0
  p = fma(p, f, set1(9.6715127e-3f));
  p = fma(p, f, set1(5.5507337e-2f));
  p = fma(p, f, set1(2.4022242e-1f));
  p = fma(p, f, set1(6.9314698e-1f));
  p = fma(p, f, set1(1.f));
  return scale2(p, n);
}

#endif

inline Vec exp(Vec x) { return exp2(min(x * set1(kLog2e), set1(126.f))); }

// x / (1 + e^-x)
inline Vec silu(Vec x) { return x / (set1(1.f) + exp(set1(0.f) - x)); }

// log(1 + e^x) = max(x, 0) + log1p(t), t = e^-|x|, and log1p(t) = 2 atanh(t / (2 + t)): accurate relative to
// the result even where it is tiny, which a step size dt needs.
inline Vec softplus(Vec x) {
  const Vec t = exp(set1(0.f) - abs(x)), s = t / (set1(2.f) + t), q = s * s;  // s <= 1/3
  Vec p = set1(2.f / 15);
  p = fma(p, q, set1(2.f / 13));
  p = fma(p, q, set1(2.f / 11));
  p = fma(p, q, set1(2.f / 9));
  p = fma(p, q, set1(2.f / 7));
  p = fma(p, q, set1(2.f / 5));
  p = fma(p, q, set1(2.f / 3));
  p = fma(p, q, set1(2.f));
  return fma(p, s, max(x, set1(0.f)));
}

// x / 2 * (1 + erf(x / sqrt(2))) = max(x, 0) - |x| Q(|x|), absolute error at most 1.2e-7 * max(1, |x|). Q is the tail of the
// normal distribution and log2 Q(t) a polynomial: minimax on [0, 6] for the error of the result. Beyond, t Q(t) < 6e-9.
inline Vec gelu(Vec x) {
  const Vec t = min(abs(x), set1(6.f));
  Vec p = set1(3.67919324e-6f);
  p = fma(p, t, set1(-5.8764881e-6f));
  p = fma(p, t, set1(-6.07330701e-4f));
  p = fma(p, t, set1(7.74342148e-3f));
  p = fma(p, t, set1(-5.30382991e-2f));
  p = fma(p, t, set1(-4.58985865e-1f));
  p = fma(p, t, set1(-1.1511445f));
  p = fma(p, t, set1(-9.99998212e-1f));
  return max(set1(0.f), x) - t * exp2(p);  // in this order max hands on a NaN
}

}  // namespace skipscan::cpu::SKIPSCAN_ISA
