// How important each token is (docs/reduction.md, section 3). With v the row of a token, x or x + added:
//   clip    mean(max(v, 0))
//   l1      mean(|v|)
//   l2      sqrt(mean(v^2))
//   sum     mean(v)                      of the time steps it is the metric `delta`
//   novel   1 - cosine(v, v of the row before); 1 for the first row of a sequence
//   novel2  1 - the larger cosine of the rows before and after; 1 where there are none
// Sums are accumulated in float32, in an order that the number of channels alone decides. A row with an element that is not
// a number has a score that is not one either.
#pragma once
#include "ops/op.h"

namespace skipscan {

enum class ImportanceMetric : uint8_t { clip, l1, l2, sum, novel, novel2 };

struct TokenImportanceParams {
  const float* x;          // (rows, channels), rows x_stride apart
  const float* added;      // (rows, channels), rows added_stride apart; or null
  const int32_t* offsets;  // (sequences + 1): sequence s is rows offsets[s] .. offsets[s+1]-1
  float* scores;           // (rows)
  int64_t rows, channels, x_stride, added_stride;
  int32_t sequences;
  ImportanceMetric metric;
};

}  // namespace skipscan
