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

// Calls put(r, c, x) for every element of the `rows` rows, a few columns of a panel at a time: reads stay in a line, writes stay
// in the first cache. r counts from 0.
template <class From, class To, class Put>
NonFinite for_each_element(const std::byte* source, int64_t rows, const WeightMatrix& m, const Put& put) {
  constexpr int64_t kCols = 32;
  NonFinite bad;
  for (int64_t base = 0; base < rows; base += m.panel) {
    const int64_t past = std::min<int64_t>(base + m.panel, rows);
    for (int64_t col = 0; col < m.cols; col += kCols) {
      const int64_t end = std::min(col + kCols, m.cols);
      for (int64_t r = base; r < past; ++r) {
        const std::byte* row = source + r * m.cols * int64_t(sizeof(From));
        for (int64_t c = col; c < end; ++c) {
          const float x = read<From>(row + c * int64_t(sizeof(From)));
          if (!(std::fabs(x) < kLimit<To>)&&(!bad || r < bad.row)) bad = {r, c, x};
          put(r, c, x);
        }
      }
    }
  }
  return bad;
}

template <class From, class To>
NonFinite pack(const std::byte* source, int64_t rows, const WeightMatrix& m, std::byte* panels) {
  const int64_t group = m.group(), panel_elements = m.panel_bytes() / int64_t(sizeof(To));
  To* const out = reinterpret_cast<To*>(panels);
  return for_each_element<From, To>(source, rows, m, [&](int64_t r, int64_t c, float x) {
    const int64_t row = r % m.panel;
    write(&out[r / m.panel * panel_elements + (c / group * m.panel + row) * group + c % group], x);
  });
}

// Rounds to nearest even; |x| < 2^22.
int8_t rounded(float x) { return int8_t((x + 0x1.8p23f) - 0x1.8p23f); }

template <class From>
NonFinite pack_i8(const std::byte* source, int64_t rows, const WeightMatrix& m, std::byte* panels) {
  constexpr int64_t kGroup = 4;
  for (int64_t r = 0; r < rows; ++r) {
    const std::byte* row = source + r * m.cols * int64_t(sizeof(From));
    for (int64_t col = 0; col < m.cols; col += kScaledColumns) {
      const int64_t count = std::min(kScaledColumns, m.cols - col);
      float x[kScaledColumns], largest = 0;
      for (int64_t c = 0; c < count; ++c) {
        x[c] = read<From>(row + (col + c) * int64_t(sizeof(From)));
        if (!std::isfinite(x[c])) return {r, col + c, x[c]};
        largest = std::max(largest, std::fabs(x[c]));
      }
      const bool zero = largest < 0x1p-120f;  // or so small that 127 / largest overflows
      const float scale = zero ? 0 : largest / 127, inverse = zero ? 0 : 127 / largest;
      std::memcpy(panels + m.scale_at(r, col), &scale, sizeof scale);
      auto* const block = reinterpret_cast<int8_t*>(panels + m.at(r, col));
      for (int64_t c = 0; c < count; ++c) block[c / kGroup * kGroup * m.panel + c % kGroup] = rounded(x[c] * inverse);
    }
  }
  return {};
}

template <class From>
NonFinite pack_from(const std::byte* source, int64_t rows, const WeightMatrix& m, std::byte* panels) {
  switch (m.dtype) {
    case DType::bf16: return pack<From, bf16>(source, rows, m, panels);
    case DType::f16: return pack<From, f16>(source, rows, m, panels);
    case DType::i8: return pack_i8<From>(source, rows, m, panels);
    default: return pack<From, float>(source, rows, m, panels);
  }
}

NonFinite pack_from(const std::byte* source, DType source_dtype, int64_t rows, const WeightMatrix& m,
                    std::byte* panels) {
  switch (source_dtype) {
    case DType::bf16: return pack_from<bf16>(source, rows, m, panels);
    case DType::f16: return pack_from<f16>(source, rows, m, panels);
    default: return pack_from<float>(source, rows, m, panels);
  }
}

}  // namespace

NonFinite pack_rows(const void* source, DType source_dtype, int64_t first_row, int64_t rows, const WeightMatrix& matrix,
                    void* packed) {
  const int64_t panel = matrix.panel, bytes = matrix.panel_bytes();
  std::byte* const panels = static_cast<std::byte*>(packed) + first_row / panel * bytes;
  for (int64_t row = 0; row < rows; row += panel) {  // what elements do not fill is zero
    const bool full = rows - row >= panel && matrix.depth() == matrix.cols;
    if (!full) std::memset(panels + row / panel * bytes, 0, size_t(bytes));
  }
  NonFinite bad = pack_from(static_cast<const std::byte*>(source), source_dtype, rows, matrix, panels);
  if (bad) bad.row += first_row;
  return bad;
}

Support supports_panel(const WeightMatrix& matrix, int32_t panel, const char* kernels) {
  if (matrix.panel == 1 || matrix.panel == panel) return {};
  return {false, "The weights are packed in panels of " + std::to_string(matrix.panel) + " rows but the " + kernels +
                     " kernels read panels of " + std::to_string(panel) + " rows; pack them for this backend."};
}

}  // namespace skipscan
