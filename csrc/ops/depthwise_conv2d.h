// Depthwise convolution over a grid of which only some places have a row; the others, and those outside, are zeros:
//   out[r] = act(bias + sum over dy, dx of weight[dy][dx] * (x + added)[the row at the place of r + (dy, dx) - size / 2])
#pragma once
#include "core/elements.h"
#include "ops/op.h"

namespace skipscan {

enum class Activation : uint8_t {
  none,
  silu,
  gelu  // x / 2 * (1 + erf(x / sqrt(2)))
};

struct DepthwiseConv2dParams {
  ConstElements x;           // (rows, channels), rows x_stride apart
  const float* added;        // (rows, channels) or null
  const float* weight;       // (size, size, channels)
  const float* bias;         // (channels) or null
  const int32_t* positions;  // (rows) y * width + x of each row's place
  const int32_t* offsets;    // (sequences + 1): sequence s is rows offsets[s] .. offsets[s+1]-1, a grid of its own
  const int32_t* row_at;     // (height * width, sequences) the row at each place, -1: none (scan_paths.h)
  Elements out;              // (rows, channels), rows out_stride apart; neither x nor added
  int64_t rows, channels, x_stride, out_stride;
  int32_t sequences, height, width;
  int32_t size;  // odd, 1 .. kMaxConv2dSize
  Activation activation;
};

constexpr int32_t kMaxConv2dSize = 15;

}  // namespace skipscan
