// Mamba-1's selective scan along a scan path (docs/reduction.md, section 2). For step k, r = index[k], p = param_index[k]:
//   dt   = softplus(delta[p] + dt_bias)            softplus only when asked for
//   h    = exp(decay * A) * h + dt * B[p] * u[r]   decay = dt, or what `alignment` makes of it over skipped positions
//   y[r] = (C[p] . h + D * u[r]) * silu(z[r])      D and the gate only when given
// Several scans over the same rows add up when each takes the sum so far as y_in and the last one gates it:
//   y[r] = (y_in[r] + C[p] . h + D * u[r]) * y_scale * silu(z[r])
#pragma once
#include "core/elements.h"
#include "core/scan_path.h"
#include "ops/importance.h"
#include "ops/op.h"

namespace skipscan {

struct SelectiveScanParams {
  // Rows are the path's; *_stride is the distance between two of them. Channel c uses group c / (channels / groups).
  ConstElements u;          // (rows, channels)
  ConstElements delta;      // (rows, channels)
  const float* A;           // (channels, d_state), negative
  ConstElements B;          // (rows, groups, d_state)
  ConstElements C;          // (rows, groups, d_state)
  const float* D;           // (channels) or null
  ConstElements z;          // (rows, channels) or null
  const float* dt_bias;     // (channels) or null
  const float* skipped_dt;  // (steps, channels) for Alignment::own: dt summed over the positions skipped before a step
  const float* state_in;    // (sequences, channels, d_state) or null: zeros
  float* state_out;         // the state after each sequence's last step, or null: not wanted; may be state_in
  Elements y;               // (rows, channels); only rows on the path are written; may be u
  PathView path;
  int64_t u_stride, delta_stride, B_stride, C_stride, z_stride, y_stride;
  int32_t channels, d_state, groups;
  Alignment alignment;
  bool softplus;

  // (rows): scores of the rows of y on the path, or, with delta, of the rows that param_index names; or null: not wanted.
  float* importance = nullptr;
  ImportanceMetric metric = ImportanceMetric::clip;   // clip, l1, l2, sum or delta
  ImportanceSource source = ImportanceSource::gated;  // gated or ssm: y before the gate, y_in and y_scale included

  ConstElements y_in = {};  // (rows, channels), rows y_stride apart, or null: zeros; may be y, and then y is not u
  float y_scale = 1;        // of the sum, before the gate
  // (rows) with delta: a score is the mean of this and its own; or null; may be importance
  const float* importance_in = nullptr;
};

}  // namespace skipscan
