// The metric `state` for Mamba-1: each token's share in the final state of the selective scan that ran before. For step k of
// a sequence whose last state is h, with dt and decay as in selective_scan.h:
//   scores[index[k]] = mean over channels of dt * |u| * norm(B * exp(A * sum of decay over the steps after k)) / norm(h)
// Norms are over the states, where B, A and h have one value each. A channel whose h is zero adds 0.
#pragma once
#include "core/elements.h"
#include "core/scan_path.h"
#include "ops/op.h"

namespace skipscan {

struct SelectiveStateImportanceParams {
  // As the scan had them.
  ConstElements u;          // (rows, channels)
  ConstElements delta;      // (rows, channels)
  const float* A;           // (channels, d_state), negative
  ConstElements B;          // (rows, groups, d_state)
  const float* dt_bias;     // (channels) or null
  const float* skipped_dt;  // (steps, channels) for Alignment::own
  const float* state;       // (sequences, channels, d_state): the scan's state_out
  float* scores;            // (rows); only rows on the path are written
  PathView path;
  int64_t u_stride, delta_stride, B_stride;
  int32_t channels, d_state, groups;
  Alignment alignment;
  bool softplus;
};

}  // namespace skipscan
