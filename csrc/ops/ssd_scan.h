// Mamba-2's scan (state-space duality) along a scan path: the recurrence of selective_scan.h with one A and one dt per
// head, and a head_dim x d_state state per head. Kernels may compute it in chunks as matrix products; the result is the same.
#pragma once
#include "core/elements.h"
#include "core/scan_path.h"
#include "ops/importance.h"
#include "ops/op.h"

namespace skipscan {

struct SsdScanParams {
  // Rows are the path's; *_stride is the distance between two of them. Head h uses group h / (heads / groups).
  ConstElements x;          // (rows, heads, head_dim)
  ConstElements dt;         // (rows, heads), before bias, softplus and clamp
  const float* A;           // (heads), negative
  ConstElements B;          // (rows, groups, d_state)
  ConstElements C;          // (rows, groups, d_state)
  const float* D;           // (heads), or (heads, head_dim) with D_per_channel, or null
  ConstElements z;          // (rows, heads, head_dim): y * silu(z); or null
  const float* dt_bias;     // (heads) or null
  const float* skipped_dt;  // (steps, heads) for Alignment::own: dt summed over the positions skipped before a step
  const float* state_in;    // (sequences, heads, head_dim, d_state) or null: zeros
  float* state_out;         // the state after each sequence's last step, or null: not wanted; may be state_in
  Elements y;               // (rows, heads, head_dim); only rows on the path are written; not x
  PathView path;
  int64_t x_stride, dt_stride, B_stride, C_stride, z_stride, y_stride;
  int32_t heads, head_dim, groups, d_state;
  float dt_min, dt_max;  // dt is clamped to [dt_min, dt_max] after softplus
  Alignment alignment;
  bool softplus, D_per_channel;

  // (rows): scores of the rows of y on the path, or, with delta, of the rows that param_index names; or null: not wanted.
  float* importance = nullptr;
  ImportanceMetric metric = ImportanceMetric::clip;   // clip, l1, l2, sum or delta
  ImportanceSource source = ImportanceSource::gated;  // gated or ssm
};

}  // namespace skipscan
