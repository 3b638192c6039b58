// Bringing plain matrices into the panels that products read (weight_matrix.h).
#pragma once
#include "ops/op.h"
#include "ops/weight_matrix.h"

namespace skipscan {

// An element that is infinite or not a number, or whose `value` is beyond the range of the packed dtype; row < 0
// means none was found.
struct NonFinite {
  int64_t row = -1, col = -1;
  float value = 0;

  explicit operator bool() const { return row >= 0; }
};

// Packs rows [first_row, first_row + rows) of a matrix into `packed`, which has matrix.bytes() bytes. `source` holds
// just these rows, row-major, unaligned, in source_dtype; elements are rounded to nearest where matrix.dtype is
// narrower, and i8 takes the largest of each block for 127.
// first_row is a multiple of the panel, and rows too unless they are the last: whole panels are written,
// filled up with zeros, so that calls for different panels may run at once. Returns the first non-finite element, in
// row order.
NonFinite pack_rows(const void* source, DType source_dtype, int64_t first_row, int64_t rows, const WeightMatrix& matrix,
                    void* packed);

// Whether kernels that read plain matrices and panels of `panel` rows can read this one; `kernels` is their name.
Support supports_panel(const WeightMatrix& matrix, int32_t panel, const char* kernels);

}  // namespace skipscan
