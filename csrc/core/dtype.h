// Element types of tensors and weights, and the scalar conversions between them.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>

namespace skipscan {

enum class DType : uint8_t { f32, bf16, f16, i32, i8 };

constexpr size_t size_of(DType t) { return t == DType::f32 || t == DType::i32 ? 4 : t == DType::i8 ? 1 : 2; }

constexpr const char* name_of(DType t) {
  switch (t) {
    case DType::f32: return "f32";
    case DType::bf16: return "bf16";
    case DType::f16: return "f16";
    case DType::i32: return "i32";
    case DType::i8: return "i8";
  }
  return "unknown";
}

struct bf16 {
  uint16_t bits;
};
struct f16 {
  uint16_t bits;
};

[[gnu::always_inline]] inline float to_float(float x) { return x; }
[[gnu::always_inline]] inline float to_float(bf16 x) { return std::bit_cast<float>(uint32_t(x.bits) << 16); }

[[gnu::always_inline]] inline float to_float(f16 x) {
  const uint32_t sign = uint32_t(x.bits & 0x8000) << 16;
  uint32_t exponent = (x.bits >> 10) & 0x1f, mantissa = x.bits & 0x3ff;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000 | mantissa << 13);
  if (exponent == 0) {  // zero or subnormal: the value is mantissa * 2^-24, exact in float32
    const float magnitude = float(mantissa) * 5.9604644775390625e-8f;
    return sign ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

// Round to nearest even; NaN stays NaN.
[[gnu::always_inline]] inline bf16 to_bf16(float x) {
  const uint32_t u = std::bit_cast<uint32_t>(x);
  if ((u & 0x7fffffff) > 0x7f800000) return {uint16_t(u >> 16 | 0x40)};
  return {uint16_t((u + 0x7fff + ((u >> 16) & 1)) >> 16)};
}

// Round to nearest even; overflow gives infinity, NaN stays NaN.
[[gnu::always_inline]] inline f16 to_f16(float x) {
  const uint32_t u = std::bit_cast<uint32_t>(x);
  const uint16_t sign = uint16_t(u >> 16 & 0x8000);
  const uint32_t magnitude = u & 0x7fffffff;
  if (magnitude > 0x7f800000) return {uint16_t(sign | 0x7e00)};
  if (magnitude >= 0x477ff000) return {uint16_t(sign | 0x7c00)};  // 65520 and above round to infinity
  if (magnitude < 0x38800000) {  // subnormal: adding 0.5 makes the float unit round at 2^-24
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return {uint16_t(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000))};
  }
  const uint32_t rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
  return {uint16_t(sign | ((rounded - 0x38000000) >> 13))};
}

}  // namespace skipscan
