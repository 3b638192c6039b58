#include "ops/pack.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

namespace skipscan {
namespace {

template <class T>
float read(const std::byte* at) {
  T x;
  std::memcpy(&x, at, sizeof x);
  return to_float(x);
}

// Magnitudes below this are finite numbers when packed.
template <class To>
constexpr float kLimit = std::numeric_limits<float>::infinity();
template <>
constexpr float kLimit<bf16> = 0x1.ffp127f;  // rounds up to 2^128
template <>
constexpr float kLimit<f16> = 65520;  // rounds up to 2^16

void write(float* out, float x) { *out = x; }
void write(bf16* out, float x) { *out = to_bf16(x); }
void write(f16* out, float x) { *out = to_f16(x); }

template <class From, class To>
NonFinite pack(const std::byte* source, int64_t first_row, int64_t rows, const WeightMatrix& m, To* packed) {
  constexpr int64_t kCols = 32;  // of a source row at a time: reads stay in a line, writes stay in the first cache
  NonFinite bad;
  for (int64_t base = 0; base < rows; base += m.panel) {
    To* panel = packed + m.at(first_row + base, 0);
    const int64_t filled = std::min<int64_t>(m.panel, rows - base);
    for (int64_t col = 0; col < m.cols; col += kCols) {
      const int64_t end = std::min(col + kCols, m.cols);
      for (int64_t r = 0; r < filled; ++r) {
        const std::byte* row = source + (base + r) * m.cols * int64_t(sizeof(From));
        for (int64_t c = col; c < end; ++c) {
          const float x = read<From>(row + c * int64_t(sizeof(From)));
          const int64_t row_number = first_row + base + r;
          if (!(std::fabs(x) < kLimit<To>)&&(!bad || row_number < bad.row)) bad = {row_number, c, x};
          write(&panel[c * m.panel + r], x);
        }
      }
      for (int64_t r = filled; r < m.panel; ++r) {
        for (int64_t c = col; c < end; ++c) write(&panel[c * m.panel + r], 0.f);
      }
    }
  }
  return bad;
}

template <class From>
NonFinite pack_from(const std::byte* source, int64_t first_row, int64_t rows, const WeightMatrix& m, void* packed) {
  switch (m.dtype) {
    case DType::bf16: return pack<From>(source, first_row, rows, m, static_cast<bf16*>(packed));
    case DType::f16: return pack<From>(source, first_row, rows, m, static_cast<f16*>(packed));
    default: return pack<From>(source, first_row, rows, m, static_cast<float*>(packed));
  }
}

}  // namespace

NonFinite pack_rows(const void* source, DType source_dtype, int64_t first_row, int64_t rows, const WeightMatrix& matrix,
                    void* packed) {
  const auto* bytes = static_cast<const std::byte*>(source);
  switch (source_dtype) {
    case DType::bf16: return pack_from<bf16>(bytes, first_row, rows, matrix, packed);
    case DType::f16: return pack_from<f16>(bytes, first_row, rows, matrix, packed);
    default: return pack_from<float>(bytes, first_row, rows, matrix, packed);
  }
}

Support supports_panel(const WeightMatrix& matrix, int32_t panel, const char* kernels) {
  if (matrix.panel == 1 || matrix.panel == panel) return {};
  return {false, "The weights are packed in panels of " + std::to_string(matrix.panel) + " rows but the " + kernels +
                     " kernels read panels of " + std::to_string(panel) + " rows; pack them for this backend."};
}

}  // namespace skipscan
