// s = x + residual_in ;  residual_out = s ;  out = s / sqrt(mean(s^2) + eps) * weight
#pragma once
#include "ops/op.h"

namespace skipscan {

struct RmsNormParams {
  const float* x;            // (rows, dim)
  const float* residual_in;  // (rows, dim) or null: zero
  const float* weight;       // (dim)
  float* residual_out;       // (rows, dim) or null: not wanted; may be residual_in or x
  float* out;                // (rows, dim); may be x
  int64_t rows, dim;
  float eps;
};

}  // namespace skipscan
