// out[i] = x[i] + table[ids[i]]
#pragma once
#include "core/elements.h"
#include "ops/op.h"

namespace skipscan {

struct AddRowsParams {
  ConstElements x;     // (rows, dim), rows x_stride apart
  const float* table;  // (entries, dim)
  const int32_t* ids;  // (rows) entries of the table
  Elements out;        // (rows, dim); not x
  int64_t rows, dim, x_stride;
};

}  // namespace skipscan
