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

  // Whether it was made for a model of this shape, on this device.
  bool is_of(const ModelConfig& config, const Device& device) const {
    return device_.get() == &device && layers_ == config.layers && conv_ == config.conv_state_size() &&
           ssm_ == config.ssm_state_size();
  }

  int64_t sequences() const { return sequences_; }
  // (sequences, conv_width, conv_channels), oldest first.
  float* conv(int32_t layer, int64_t sequence = 0) const {
    return memory_.as<float>() + layer * layer_floats() + sequence * conv_;
  }
  // (sequences, d_inner, d_state) or (sequences, heads, head_dim, d_state).
  float* ssm(int32_t layer, int64_t sequence = 0) const { return conv(layer) + sequences_ * conv_ + sequence * ssm_; }

  int64_t bytes() const { return sequences_ * sequence_bytes(); }
  int64_t sequence_bytes() const { return layers_ * (conv_ + ssm_) * int64_t(sizeof(float)); }

  // One sequence: all layers, conv then ssm. Not while a forward pass uses it.
  Status write(int64_t sequence, const void* bytes_of_sequence) {
    const float* from = static_cast<const float*>(bytes_of_sequence);
    return each_part(sequence, [&](float* part, int64_t floats) {
      return device_->write(part, std::exchange(from, from + floats), size_t(floats) * sizeof(float));
    });
  }
  Status read(int64_t sequence, void* to) const {
    float* next = static_cast<float*>(to);
    return each_part(sequence, [&](const float* part, int64_t floats) {
      return read(std::exchange(next, next + floats), part, floats);
    });
  }
  // A part of it: `from` is conv(layer, sequence) or ssm(layer, sequence).
  Status read(void* to, const float* from, int64_t floats) const {
    return device_->read(to, from, size_t(floats) * sizeof(float));
  }
  // Sequence `to` becomes what sequence `from` of the other is.
  Status copy_sequence(int64_t to, const SequenceState& other, int64_t from) {
    if (other.layers_ != layers_ || other.conv_ != conv_ || other.ssm_ != ssm_) {
      return fail(Code::native, "Expected a state of the same shape.");
    }
    if (sequences_ == 1 && other.sequences_ == 1) return duplicate(conv(0), other.conv(0), layers_ * layer_floats());
    for (int32_t layer = 0; layer < layers_; ++layer) {
      SKIPSCAN_TRY(duplicate(conv(layer, to), other.conv(layer, from), conv_));
      SKIPSCAN_TRY(duplicate(ssm(layer, to), other.ssm(layer, from), ssm_));
    }
    return {};
  }
  // Takes over the sequence that `other` holds, which may then hold anything; there is one in each. The addresses stay where
  // a device has recorded them.
  Status replace_with(SequenceState& other) {
    if (!device_->is_host()) return copy_sequence(0, other, 0);
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

  // Calls visit(part, floats) for what lies together of a sequence, in the order of write() and read().
  template <class Visit>
  Status each_part(int64_t sequence, const Visit& visit) const {
    if (sequences_ == 1) return visit(conv(0), layers_ * layer_floats());
    for (int32_t layer = 0; layer < layers_; ++layer) {
      SKIPSCAN_TRY(visit(conv(layer, sequence), conv_));
      SKIPSCAN_TRY(visit(ssm(layer, sequence), ssm_));
    }
    return {};
  }

  int64_t layer_floats() const { return sequences_ * (conv_ + ssm_); }
  Status duplicate(float* to, const float* from, int64_t floats) {
    return device_->duplicate(to, from, size_t(floats) * sizeof(float));
  }

  int64_t layers_, sequences_, conv_, ssm_;
  std::shared_ptr<Device> device_;
  Memory memory_;
};

}  // namespace skipscan
