// What scoring and greedy decoding need of logits, so that a row of the vocabulary's size need not leave the device:
//   logprobs[i] = logits[i][tokens[i]] - log(sum_v exp(logits[i][v]))        best[i] = argmax_v logits[i][v], the first one
// Where a logit is NaN or +Infinity, or none is above -Infinity, there is no right answer: NaN, and -1.
#pragma once
#include "ops/op.h"

namespace skipscan {

struct TokenLogprobsParams {
  const float* logits;    // (rows, vocabulary), rows logits_stride apart
  const int32_t* tokens;  // (rows), each in [0, vocabulary); or null: only best is wanted
  float* logprobs;        // (rows) natural logarithms; null as tokens
  int32_t* best;          // (rows) or null: not wanted
  int64_t rows, vocabulary, logits_stride;
};

}  // namespace skipscan
