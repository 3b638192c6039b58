// y = x * weight^T + bias
#pragma once
#include "core/elements.h"
#include "ops/op.h"
#include "ops/weight_matrix.h"

namespace skipscan {

struct LinearParams {
  ConstElements x;      // (rows, weight.cols), rows x_stride apart
  WeightMatrix weight;  // (outputs, inputs), packed in the backend's panels or plain; products accumulate in float32
  const float* bias;    // (outputs) or null
  Elements y;           // (rows, weight.rows), rows y_stride apart; does not overlap x
  int64_t rows, x_stride, y_stride;
};

}  // namespace skipscan
