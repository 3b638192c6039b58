// What sequences carry from token to token: each layer's convolution window and SSM state, on the model's device.
#pragma once
#include <utility>

#include "engine/model_config.h"
#include "ops/device.h"

namespace skipscan {

// Of one sequence, or of several side by side, as a pass over a batch takes them.
class SequenceState {
 public:
  // Zeros. ERR_OUT_OF_MEMORY.
  static Status allocate(const ModelConfig& config, std::shared_ptr<Device> device, int64_t sequences,
                         std::unique_ptr<SequenceState>* out) {
    std::unique_ptr<SequenceState> state(new SequenceState(config, device, sequences));
    SKIPSCAN_TRY(Memory::allocate(std::move(device), size_t(state->bytes()), &state->memory_));
    *out = std::move(state);
    return {};
  }

  int64_t sequences() const { return sequences_; }
  // (sequences, conv_width, conv_channels), oldest first.
  float* conv(int32_t layer) const { return memory_.as<float>() + layer * layer_floats(); }
  // (sequences, d_inner, d_state) or (sequences, heads, head_dim, d_state).
  float* ssm(int32_t layer) const { return conv(layer) + sequences_ * conv_; }

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
  // Sequence `to` becomes what sequence `from` of the other is.
  Status copy_sequence(int64_t to, const SequenceState& other, int64_t from) {
    for (int32_t layer = 0; layer < layers_; ++layer) {
      SKIPSCAN_TRY(duplicate(conv(layer) + to * conv_, other.conv(layer) + from * conv_, conv_));
      SKIPSCAN_TRY(duplicate(ssm(layer) + to * ssm_, other.ssm(layer) + from * ssm_, ssm_));
    }
    return {};
  }
  // Takes over what `other` holds, whose own content is then whatever it may be. The addresses stay where a device has
  // recorded them.
  Status replace_with(SequenceState& other) {
    if (!device_->is_host()) return copy_from(other);
    std::swap(memory_, other.memory_);
    return {};
  }

 private:
  SequenceState(const ModelConfig& config, std::shared_ptr<Device> device, int64_t sequences)
      : layers_(config.layers),
        sequences_(sequences),
        conv_(config.conv_state_size()),
        ssm_(config.ssm_state_size()),
        device_(std::move(device)) {}

  int64_t layer_floats() const { return sequences_ * (conv_ + ssm_); }
  Status duplicate(float* to, const float* from, int64_t floats) {
    return device_->duplicate(to, from, size_t(floats) * sizeof(float));
  }

  int64_t layers_, sequences_, conv_, ssm_;
  std::shared_ptr<Device> device_;
  Memory memory_;
};

}  // namespace skipscan
