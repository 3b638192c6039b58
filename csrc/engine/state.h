// What a sequence carries from token to token: each layer's convolution window and SSM state.
#pragma once
#include <cstring>

#include "core/buffer.h"
#include "engine/model_config.h"

namespace skipscan {

class SequenceState {
 public:
  explicit SequenceState(const ModelConfig& config)
      : conv_(config.conv_state_size()),
        ssm_(config.ssm_state_size()),
        floats_(size_t(config.layers * layer_floats())),
        data_(floats_ * sizeof(float)) {}

  // (conv_width, conv_channels), oldest first.
  float* conv(int32_t layer) const { return data_.as<float>() + layer * layer_floats(); }
  // (d_inner, d_state) or (heads, head_dim, d_state).
  float* ssm(int32_t layer) const { return conv(layer) + conv_; }

  float* data() const { return data_.as<float>(); }
  size_t floats() const { return floats_; }
  size_t bytes() const { return data_.bytes(); }
  void copy_from(const SequenceState& other) { std::memcpy(data_.as<void>(), other.data_.as<void>(), data_.bytes()); }

 private:
  int64_t layer_floats() const { return conv_ + ssm_; }

  int64_t conv_, ssm_;
  size_t floats_;
  Buffer data_;
};

}  // namespace skipscan
