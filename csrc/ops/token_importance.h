// Importance of tokens from the rows of any tensor (importance.h), x or x + added, which are (rows, channels): every metric but
// `state`. The metric `delta` is the sum over time steps: pass them as x.
#pragma once
#include "core/elements.h"
#include "ops/importance.h"
#include "ops/op.h"

namespace skipscan {

struct TokenImportanceParams {
  ConstElements x;         // (rows, channels), rows x_stride apart
  ConstElements added;     // (rows, channels), rows added_stride apart; or null
  const int32_t* offsets;  // (sequences + 1): sequence s is rows offsets[s] .. offsets[s+1]-1
  float* scores;           // (rows)
  int64_t rows, channels, x_stride, added_stride;
  int32_t sequences;
  ImportanceMetric metric;  // clip, l1, l2, sum (delta is the same), novel or novel2
};

}  // namespace skipscan
