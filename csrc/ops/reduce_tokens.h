// Carries a selection (select_tokens.h) out on the branches of the residual stream:
//   out[i] = the mean of row kept[i] and of all rows whose destination it is, weighted by `weights`
// A row that nothing merges into is copied as it is; rows that are all equal have exactly their mean.
#pragma once
#include "ops/op.h"

namespace skipscan {

struct ReduceTokensParams {
  const float* hidden;           // (rows, dim)
  const float* residual;         // (rows, dim) or null
  const int32_t* dest_hidden;    // (rows) the row that a row merges into; itself or -1: none
  const int32_t* dest_residual;  // (rows) or null, as residual
  const float* weights;          // (rows) at least 0, and above 0 in sum over a mean
  const int32_t* kept;           // (kept_rows) ascending
  float* hidden_out;             // (kept_rows, dim); may be hidden
  float* residual_out;           // (kept_rows, dim); may be residual; null as residual
  int64_t rows, kept_rows, dim;
};

}  // namespace skipscan
