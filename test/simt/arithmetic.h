// Arithmetic, bits and atomic operations as CUDA has them.
#pragma once
#include <math.h>

#include <bit>
#include <cmath>

// ---- numbers

#if !(defined(__GLIBC_PREREQ) && __GLIBC_PREREQ(2, 42))  // which has one of its own
inline float rsqrtf(float x) { return 1 / sqrtf(x); }
#endif

// Overloads rather than templates: CUDA's take an int with an unsigned, and the number that is not NaN.
constexpr int min(int a, int b) { return b < a ? b : a; }
constexpr int max(int a, int b) { return a < b ? b : a; }
constexpr unsigned min(unsigned a, unsigned b) { return b < a ? b : a; }
constexpr unsigned max(unsigned a, unsigned b) { return a < b ? b : a; }
constexpr unsigned min(int a, unsigned b) { return min(unsigned(a), b); }
constexpr unsigned max(int a, unsigned b) { return max(unsigned(a), b); }
constexpr unsigned min(unsigned a, int b) { return min(a, unsigned(b)); }
constexpr unsigned max(unsigned a, int b) { return max(a, unsigned(b)); }
constexpr long min(long a, long b) { return b < a ? b : a; }
constexpr long max(long a, long b) { return a < b ? b : a; }
constexpr unsigned long min(unsigned long a, unsigned long b) { return b < a ? b : a; }
constexpr unsigned long max(unsigned long a, unsigned long b) { return a < b ? b : a; }
constexpr long long min(long long a, long long b) { return b < a ? b : a; }
constexpr long long max(long long a, long long b) { return a < b ? b : a; }
constexpr unsigned long long min(unsigned long long a, unsigned long long b) { return b < a ? b : a; }
constexpr unsigned long long max(unsigned long long a, unsigned long long b) { return a < b ? b : a; }
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }

// ---- bits

constexpr unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
constexpr float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
constexpr int __float_as_int(float x) { return std::bit_cast<int>(x); }
constexpr float __int_as_float(int x) { return std::bit_cast<float>(x); }
constexpr int __popc(unsigned x) { return std::popcount(x); }
constexpr int __ffs(int x) { return x ? std::countr_zero(unsigned(x)) + 1 : 0; }
constexpr int __clz(int x) { return std::countl_zero(unsigned(x)); }

// ---- memory

template <class T>
T __ldg(const T* p) {
  return *p;
}

namespace simt {

// Replaces *p by what `change` makes of it, and returns what was there.
template <class T, class Change>
T atomic_update(T* p, const Change& change) {
  T old = __atomic_load_n(p, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(p, &old, change(old), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return old;
}

}  // namespace simt

inline int atomicAdd(int* p, int x) { return __atomic_fetch_add(p, x, __ATOMIC_RELAXED); }
inline unsigned atomicAdd(unsigned* p, unsigned x) { return __atomic_fetch_add(p, x, __ATOMIC_RELAXED); }
inline unsigned long long atomicAdd(unsigned long long* p, unsigned long long x) {
  return __atomic_fetch_add(p, x, __ATOMIC_RELAXED);
}

inline int atomicMin(int* p, int x) {
  return simt::atomic_update(p, [x](int old) { return min(old, x); });
}
inline unsigned atomicMin(unsigned* p, unsigned x) {
  return simt::atomic_update(p, [x](unsigned old) { return min(old, x); });
}
inline unsigned long long atomicMin(unsigned long long* p, unsigned long long x) {
  return simt::atomic_update(p, [x](unsigned long long old) { return min(old, x); });
}
inline int atomicMax(int* p, int x) {
  return simt::atomic_update(p, [x](int old) { return max(old, x); });
}
inline unsigned atomicMax(unsigned* p, unsigned x) {
  return simt::atomic_update(p, [x](unsigned old) { return max(old, x); });
}
inline unsigned long long atomicMax(unsigned long long* p, unsigned long long x) {
  return simt::atomic_update(p, [x](unsigned long long old) { return max(old, x); });
}

inline int atomicCAS(int* p, int expected, int x) {
  __atomic_compare_exchange_n(p, &expected, x, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}
inline unsigned atomicCAS(unsigned* p, unsigned expected, unsigned x) {
  __atomic_compare_exchange_n(p, &expected, x, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}
inline unsigned long long atomicCAS(unsigned long long* p, unsigned long long expected, unsigned long long x) {
  __atomic_compare_exchange_n(p, &expected, x, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}
