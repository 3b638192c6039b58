// The metric `state` for Mamba-2: each token's share in the final state of the SSD scan that ran before. For step k of a
// sequence whose last state is H, with dt and decay as in ssd_scan.h:
//   scores[index[k]] = mean over heads of dt * norm(x) * norm(B) * exp(A * sum of decay over the steps after k) / norm(H)
// A head whose H is zero adds 0.
#pragma once
#include "core/elements.h"
#include "core/scan_path.h"
#include "ops/op.h"

namespace skipscan {

struct SsdStateImportanceParams {
  // As the scan had them.
  ConstElements x;          // (rows, heads, head_dim)
  ConstElements dt;         // (rows, heads), before bias, softplus and clamp
  const float* A;           // (heads), negative
  ConstElements B;          // (rows, groups, d_state)
  const float* dt_bias;     // (heads) or null
  const float* skipped_dt;  // (steps, heads) for Alignment::own
  const float* state;       // (sequences, heads, head_dim, d_state): the scan's state_out
  float* scores;            // (rows); only rows on the path are written
  PathView path;
  int64_t x_stride, dt_stride, B_stride;
  int32_t heads, head_dim, groups, d_state;
  float dt_min, dt_max;
  Alignment alignment;
  bool softplus;
};

}  // namespace skipscan
