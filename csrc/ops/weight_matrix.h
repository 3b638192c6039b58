// A weight matrix as kernels read it: rows in panels, so that a product streams it once in the order it
// needs.
#pragma once
#include <cstdint>

#include "core/dtype.h"

namespace skipscan {

// Of i8: so many columns of a row share a scale, the float that its whole numbers count in.
constexpr int64_t kScaledColumns = 64;

// Rows are outputs (or vocabulary entries), cols are inputs. panel = 1 is the plain row-major layout. Else rows lie in panels
// of so many, the last filled up with zeros; within a panel, columns lie in groups: group after group, the group's columns of
// row after row. That is how instructions that add up pairs of bf16 or quads of bytes read them. Columns are filled up with
// zeros to `depth`, a whole number of such instructions.
// Of i8, each kScaledColumns columns of a panel are a block: the rows' scales in float32, then whole numbers from -127 to
// 127.
struct WeightMatrix {
  const void* data = nullptr;
  DType dtype = DType::f32;  // f32, bf16, f16 or i8
  int64_t rows = 0, cols = 0;
  int32_t panel = 1;

  int64_t group() const { return dtype == DType::i8 ? 4 : dtype == DType::bf16 && panel > 1 ? 2 : 1; }
  int64_t depth() const {
    const int64_t step = group() == 1 ? 1 : 16 * group();
    return (cols + step - 1) / step * step;
  }
  int64_t panels() const { return (rows + panel - 1) / panel; }

  // Bytes before element (r, c).
  int64_t at(int64_t r, int64_t c) const {
    const int64_t g = group(), within = c / g * g * panel + r % panel * g + c % g;
    const int64_t scales = dtype == DType::i8 ? (c / kScaledColumns + 1) * scales_bytes() : 0;
    return r / panel * panel_bytes() + scales + within * int64_t(size_of(dtype));
  }
  // Of i8: bytes before the scale of element (r, c).
  int64_t scale_at(int64_t r, int64_t c) const {
    const int64_t block = c / kScaledColumns * (kScaledColumns * panel + scales_bytes());
    return r / panel * panel_bytes() + block + r % panel * int64_t(sizeof(float));
  }

  int64_t panel_bytes() const {
    const int64_t scales = dtype == DType::i8 ? depth() / kScaledColumns * scales_bytes() : 0;
    return depth() * panel * int64_t(size_of(dtype)) + scales;
  }
  size_t bytes() const { return size_t(panels() * panel_bytes()); }

 private:
  int64_t scales_bytes() const { return panel * int64_t(sizeof(float)); }
};

}  // namespace skipscan
