// s = x + residual_in ;  residual_out = s ;  out = s / sqrt(mean(s^2) + eps) * weight
#pragma once
#include "core/elements.h"
#include "ops/op.h"

namespace skipscan {

struct RmsNormParams {
  ConstElements x;           // (rows, dim)
  const float* residual_in;  // (rows, dim) or null: zero
  const float* weight;       // (dim)
  float* residual_out;       // (rows, dim) or null: not wanted; may be residual_in or x
  Elements out;              // (rows, dim); may be x
  int64_t rows, dim;
  float eps;

  // (rows): the row of x and of residual_in that each row of the outputs is made from; the outputs are then neither of them.
  // Or null: the same row.
  const int32_t* index = nullptr;
};

}  // namespace skipscan
