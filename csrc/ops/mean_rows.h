// out[s] = the mean of the rows of sequence s; zeros where it has none.
#pragma once
#include "core/elements.h"
#include "ops/op.h"

namespace skipscan {

struct MeanRowsParams {
  ConstElements x;         // (rows, dim)
  const int32_t* offsets;  // (sequences + 1): sequence s is rows offsets[s] .. offsets[s+1]-1
  Elements out;            // (sequences, dim)
  int64_t rows, dim;
  int32_t sequences;
  int32_t longest;  // rows of the longest sequence
};

}  // namespace skipscan
