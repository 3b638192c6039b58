// Depthwise causal convolution along a scan path, with bias and optional SiLU:
//   y[index[k]] = act(bias + sum_j weight[width-1-j] * input j steps (compact) or positions (aligned) before step k)
#pragma once
#include "core/elements.h"
#include "core/scan_path.h"
#include "ops/op.h"

namespace skipscan {

struct CausalConvParams {
  ConstElements x;        // (path rows, channels), rows x_stride apart
  const float* weight;    // (width, channels): tap width-1 meets the current input
  const float* bias;      // (channels) or null
  const float* state_in;  // (sequences, width, channels): inputs before the first step, oldest first; or null: zeros
  float* state_out;       // the same after the last step; or null: not wanted; may be state_in
  Elements y;             // (path rows, channels), rows y_stride apart; only rows on the path are written; not x
  PathView path;
  int64_t channels, x_stride, y_stride;
  int32_t width;  // 1 .. kMaxConvWidth
  ConvMode mode;
  bool silu;
};

constexpr int32_t kMaxConvWidth = 16;

}  // namespace skipscan
