// What a sequence carries from token to token: each layer's convolution window and SSM state, on the model's device.
#pragma once
#include <utility>

#include "engine/model_config.h"
#include "ops/device.h"

namespace skipscan {

class SequenceState {
 public:
  // Zeros. ERR_OUT_OF_MEMORY.
  static Status allocate(const ModelConfig& config, std::shared_ptr<Device> device,
                         std::unique_ptr<SequenceState>* out) {
    std::unique_ptr<SequenceState> state(new SequenceState(config, device));
    SKIPSCAN_TRY(Memory::allocate(std::move(device), state->bytes(), &state->memory_));
    *out = std::move(state);
    return {};
  }

  // (conv_width, conv_channels), oldest first.
  float* conv(int32_t layer) const { return memory_.as<float>() + layer * layer_floats(); }
  // (d_inner, d_state) or (heads, head_dim, d_state).
  float* ssm(int32_t layer) const { return conv(layer) + conv_; }

  int64_t bytes() const { return layers_ * layer_floats() * int64_t(sizeof(float)); }

  // All layers, conv then ssm. Not while a forward pass uses the state.
  Status write(const void* bytes_of_state) {
    return device_->write(memory_.as<void>(), bytes_of_state, size_t(bytes()));
  }
  Status read(void* to) const { return device_->read(to, memory_.as<void>(), size_t(bytes())); }
  // A part of it: `from` is conv(layer) or ssm(layer).
  Status read(void* to, const float* from, int64_t floats) const {
    return device_->read(to, from, size_t(floats) * sizeof(float));
  }
  Status copy_from(const SequenceState& other) {
    return device_->duplicate(memory_.as<void>(), other.memory_.as<void>(), size_t(bytes()));
  }
  // Takes over what `other` holds, whose own content is then whatever it may be. The addresses stay where a device has
  // recorded them.
  Status replace_with(SequenceState& other) {
    if (!device_->is_host()) return copy_from(other);
    std::swap(memory_, other.memory_);
    return {};
  }

 private:
  SequenceState(const ModelConfig& config, std::shared_ptr<Device> device)
      : layers_(config.layers),
        conv_(config.conv_state_size()),
        ssm_(config.ssm_state_size()),
        device_(std::move(device)) {}

  int64_t layer_floats() const { return conv_ + ssm_; }

  int64_t layers_, conv_, ssm_;
  std::shared_ptr<Device> device_;
  Memory memory_;
};

}  // namespace skipscan
