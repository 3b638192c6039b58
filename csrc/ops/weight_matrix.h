// A weight matrix as kernels read it: rows in panels, so that a product streams it once in the order it
// needs.
#pragma once
#include <cstdint>

#include "core/dtype.h"

namespace skipscan {

// Element (r, c) of a rows x cols matrix is data[(r / panel * cols + c) * panel + r % panel]; the last panel
// is filled up with zeros. panel = 1 is the plain row-major layout. Rows are outputs (or vocabulary entries),
// cols are inputs.
struct WeightMatrix {
  const void* data = nullptr;
  DType dtype = DType::f32;  // f32, bf16 or f16
  int64_t rows = 0, cols = 0;
  int32_t panel = 1;

  int64_t panels() const { return (rows + panel - 1) / panel; }
  int64_t at(int64_t r, int64_t c) const { return (r / panel * cols + c) * panel + r % panel; }
  int64_t stored_elements() const { return panels() * panel * cols; }
  size_t bytes() const { return size_t(stored_elements()) * size_of(dtype); }
};

}  // namespace skipscan
