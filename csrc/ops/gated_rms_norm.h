// Mamba-2's normalisation before out_proj, over each group of channels; norm(v) = v / sqrt(mean(v^2) + eps):
//   out = norm(y * silu(z)) * weight          the gate first, as the published models have it
//   out = norm(y) * weight * silu(z)          norm_before_gate
#pragma once
#include "core/elements.h"
#include "ops/importance.h"
#include "ops/op.h"

namespace skipscan {

struct GatedRmsNormParams {
  ConstElements y;      // (rows, dim)
  ConstElements z;      // (rows, dim), rows z_stride apart
  const float* weight;  // (dim)
  Elements out;         // (rows, dim); may be y
  int64_t rows, dim, z_stride;
  int64_t group_size;  // divides dim
  float eps;
  bool norm_before_gate;

  float* importance = nullptr;  // (rows): scores of the rows of out, over all groups; or null: not wanted
  ImportanceMetric metric = ImportanceMetric::clip;  // clip, l1, l2 or sum
};

}  // namespace skipscan
