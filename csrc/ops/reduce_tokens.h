// Carries a selection (select_tokens.h) out on the branches of the residual stream, and on what describes their rows:
//   out[i] = the mean of row kept[i] and of all rows whose destination it is, weighted by `weights`
// A row that nothing merges into is copied as it is; rows that are all equal have exactly their mean.
#pragma once
#include "core/elements.h"
#include "ops/op.h"

namespace skipscan {

struct ReduceTokensParams {
  ConstElements hidden;          // (rows, dim)
  const float* residual;         // (rows, dim) or null
  const int32_t* dest_hidden;    // (rows) the row that a row merges into; itself or -1: none
  const int32_t* dest_residual;  // (rows) or null, as residual
  const float* weights;          // (rows) at least 0, and above 0 in sum over a mean
  const int32_t* kept;           // (kept_rows) ascending
  Elements hidden_out;           // (kept_rows, dim); may be hidden
  float* residual_out;           // (kept_rows, dim); may be residual; null as residual
  int64_t rows, kept_rows, dim;

  // What describes the rows of packed sequences, or all null: not wanted.
  const int32_t* positions = nullptr;     // (rows) original positions
  const int32_t* is_protected = nullptr;  // (rows)
  const int32_t* kept_offsets = nullptr;  // (sequences + 1) how kept is cut into sequences
  int32_t* positions_out = nullptr;       // (kept_rows) not positions
  int32_t* protected_out = nullptr;       // (kept_rows) not is_protected
  // (kept_rows) how many positions each row is after the one before it in its sequence; the first: after start - 1
  int32_t* gap_out = nullptr;
  int32_t sequences = 0;
  int32_t start = 0;  // the position of every sequence's first token, kept or not
};

}  // namespace skipscan
