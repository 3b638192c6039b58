// s = x + residual_in ;  residual_out = s ;  out = (s - mean(s)) / sqrt(variance(s) + eps) * weight + bias
// The variance is the mean of squared distances from the mean (Ba et al., arXiv 1607.06450).
#pragma once
#include "core/elements.h"
#include "ops/op.h"

namespace skipscan {

struct LayerNormParams {
  ConstElements x;           // (rows, dim)
  const float* residual_in;  // (rows, dim) or null: zero
  const float* weight;       // (dim)
  const float* bias;         // (dim)
  float* residual_out;       // (rows, dim) or null: not wanted; may be residual_in or x
  Elements out;              // (rows, dim); may be x
  int64_t rows, dim;
  float eps;
};

}  // namespace skipscan
