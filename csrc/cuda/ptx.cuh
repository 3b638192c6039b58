// Instructions that C++ has no words for, each with its twin in C++ for the emulated GPU of the tests.
#pragma once
#include <bit>
#include <cmath>
#include <cstring>

#include "core/dtype.h"
#include "cuda/launch.cuh"

namespace skipscan::cuda {

// ---- conversions

__device__ inline float widen(bf16 x) {
#ifdef __CUDACC__
  return __uint_as_float(unsigned(x.bits) << 16);
#else
  return to_float(x);
#endif
}

__device__ inline float widen(f16 x) {
#ifdef __CUDACC__
  float y;
  asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
  return y;
#else
  return to_float(x);
#endif
}

// Round to nearest even.
__device__ inline bf16 narrow_bf16(float x) {
#if defined(__CUDACC__) && __CUDA_ARCH__ >= 800
  bf16 y;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
  return y;
#elif defined(__CUDACC__)
  const unsigned u = __float_as_uint(x);
  if ((u & 0x7fffffff) > 0x7f800000) return {(unsigned short)(u >> 16 | 0x40)};
  return {(unsigned short)((u + 0x7fff + ((u >> 16) & 1)) >> 16)};
#else
  return to_bf16(x);
#endif
}

__device__ inline f16 narrow_f16(float x) {
#ifdef __CUDACC__
  f16 y;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
  return y;
#else
  return to_f16(x);
#endif
}

// Two of them in one register, the first in the low half.
template <class T>
__device__ inline unsigned pack_pair(float low, float high);

template <>
__device__ inline unsigned pack_pair<bf16>(float low, float high) {
#if defined(__CUDACC__) && __CUDA_ARCH__ >= 800
  unsigned pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
#else
  return unsigned(narrow_bf16(low).bits) | unsigned(narrow_bf16(high).bits) << 16;
#endif
}

template <>
__device__ inline unsigned pack_pair<f16>(float low, float high) {
#if defined(__CUDACC__) && __CUDA_ARCH__ >= 800
  unsigned pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
#else
  return unsigned(narrow_f16(low).bits) | unsigned(narrow_f16(high).bits) << 16;
#endif
}

// ---- stores of several words at once, which nvcc takes apart where it loses track of an address

__device__ inline void store_words(void* p, uint2 words) {
#ifdef __CUDACC__
  if (__isGlobal(p)) {  // known when it is compiled
    asm volatile("st.global.v2.b32 [%0], {%1, %2};" ::"l"(__cvta_generic_to_global(p)), "r"(words.x), "r"(words.y)
                 : "memory");
    return;
  }
  *static_cast<uint2*>(p) = words;
#else
  memcpy(p, &words, sizeof(words));
#endif
}

__device__ inline void store_words(void* p, uint4 words) {
#ifdef __CUDACC__
  if (__isGlobal(p)) {
    asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(p)), "r"(words.x),
                 "r"(words.y), "r"(words.z), "r"(words.w)
                 : "memory");
    return;
  }
  *static_cast<uint4*>(p) = words;
#else
  memcpy(p, &words, sizeof(words));
#endif
}

// ---- special functions: one instruction each, with 2 ulp or so

__device__ inline float fast_exp2(float x) {
#ifdef __CUDACC__
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return std::exp2(x);
#endif
}

__device__ inline float fast_log2(float x) {
#ifdef __CUDACC__
  float y;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return std::log2(x);
#endif
}

__device__ inline float fast_reciprocal(float x) {
#ifdef __CUDACC__
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return 1 / x;
#endif
}

constexpr float kLog2e = 1.4426950408889634f, kLn2 = 0.6931471805599453f;

__device__ inline float silu(float x) { return x * fast_reciprocal(1 + fast_exp2(-kLog2e * x)); }
// log(1 + exp(x)), without loss where exp(x) is small.
__device__ inline float softplus(float x) {
  const float e = fast_exp2(kLog2e * x);
  const float y = e < 0x1p-6f ? e * (1 - e * (0.5f - e * (1.f / 3))) : kLn2 * fast_log2(1 + e);
  return x > 20 ? x : y;
}

// ---- memory

// 16 bytes, at a multiple of 16, that nobody writes while the kernel runs and that this thread alone reads: they leave the L1
// cache to others.
__device__ inline void load_streamed(unsigned (&words)[4], const void* global) {
#ifdef __CUDACC__
  asm("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
      : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
      : "l"(global));
#else
  std::memcpy(words, global, sizeof(words));
#endif
}

}  // namespace skipscan::cuda
