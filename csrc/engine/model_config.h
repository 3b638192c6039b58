// The shape of a language model, as lib/models/config.ts has parsed and checked it.
#pragma once
#include <cstdint>

namespace skipscan {

enum class Family : uint8_t { mamba, mamba2 };

struct ModelConfig {
  Family family = Family::mamba;
  int32_t d_model = 0, layers = 0;
  int32_t vocab = 0;  // rows of the embedding, padding included
  int32_t d_inner = 0, d_state = 0, conv_width = 0;
  int32_t dt_rank = 0;                                               // Mamba-1
  int32_t heads = 0, head_dim = 0, groups = 1, norm_group_size = 0;  // Mamba-2
  float norm_eps = 1e-5f;
  float dt_min = 0, dt_max = 0;  // Mamba-2: dt is clamped to them
  bool norm_before_gate = false;
  bool tied_head = false, projection_bias = false, conv_bias = true;

  int64_t conv_channels() const { return family == Family::mamba ? d_inner : d_inner + 2LL * groups * d_state; }
  // Mamba-1: x, z.  Mamba-2: z, x, B, C, dt.
  int64_t in_proj_rows() const {
    return family == Family::mamba ? 2LL * d_inner : 2LL * d_inner + 2LL * groups * d_state + heads;
  }
  // What one sequence carries from token to token, in floats, for one layer.
  int64_t conv_state_size() const { return conv_width * conv_channels(); }
  int64_t ssm_state_size() const { return int64_t(d_inner) * d_state; }
};

}  // namespace skipscan
