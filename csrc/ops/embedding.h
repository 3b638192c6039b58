// out[i] = table[ids[i]]
#pragma once
#include "core/elements.h"
#include "ops/op.h"
#include "ops/weight_matrix.h"

namespace skipscan {

struct EmbeddingParams {
  const int32_t* ids;  // (rows), each in [0, table.rows)
  WeightMatrix table;  // (vocabulary, dim)
  Elements out;        // (rows, dim)
  int64_t rows;
};

}  // namespace skipscan
