// Numbers below 2^-126, which processors are up to a hundred times slower with. States decay towards them.
#pragma once
#include <cstdint>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace skipscan {

// While it lives, this thread's float32 arithmetic takes such numbers for zero and makes none.
class ZeroDenormals {
 public:
  ZeroDenormals() : before_(control()) { set_control(before_ | kZeroDenormals); }
  ~ZeroDenormals() { set_control(before_); }
  ZeroDenormals(const ZeroDenormals&) = delete;
  ZeroDenormals& operator=(const ZeroDenormals&) = delete;

 private:
#if defined(__x86_64__)
  static constexpr uint64_t kZeroDenormals = 0x8040;  // FTZ and DAZ
  static uint64_t control() { return _mm_getcsr(); }
  static void set_control(uint64_t value) { _mm_setcsr(unsigned(value)); }
#elif defined(__aarch64__)
  static constexpr uint64_t kZeroDenormals = uint64_t(1) << 24;  // FZ
  static uint64_t control() {
    uint64_t value;
    asm volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void set_control(uint64_t value) { asm volatile("msr fpcr, %0" : : "r"(value)); }
#else
  static constexpr uint64_t kZeroDenormals = 0;
  static uint64_t control() { return 0; }
  static void set_control(uint64_t) {}
#endif

  const uint64_t before_;
};

}  // namespace skipscan
