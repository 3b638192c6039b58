// A Mamba or Mamba-2 language model on a device.
#pragma once
#include "engine/forward_pass.h"
#include "engine/model_core.h"

namespace skipscan {

class LanguageModel {
 public:
  LanguageModel(const ModelConfig& config, std::shared_ptr<Device> device, DType dtype, int threads);

  const ModelConfig& config() const { return config_; }
  const Backend& backend() const { return core_.device().backend(); }
  const LanguageWeights& weights() const { return weights_; }

  Status load(const TensorSource& source);
  Status finish_loading() const { return weights_.complete(); }

  Status forward(const ForwardInput& in, ForwardOutput& out);
  // The same from these states, one for each sequence of the batch. When all went well and `advance` is set, they are what the
  // sequences end in; else they stay as they were, and one may be there several times.
  Status forward_from(const std::vector<std::shared_ptr<SequenceState>>& states, bool advance, ForwardInput in,
                      ForwardOutput& out);

  Status create_state(std::unique_ptr<SequenceState>* out) const {
    return SequenceState::allocate(config_, core_.shared_device(), 1, out);
  }

  ModelCore& core() { return core_; }

  size_t workspace_bytes() const { return core_.workspace_bytes() + working_state_bytes_; }
  // Bytes of all session states; sessions add and take off their own.
  std::atomic<int64_t> session_bytes{0};

 private:
  Status forward_locked(const ForwardInput& in, ForwardOutput& out);
  Status gather(const std::vector<std::shared_ptr<SequenceState>>& states);
  Status hand_back(const std::vector<std::shared_ptr<SequenceState>>& states);
  void drop_working_state();

  const ModelConfig config_;
  ModelCore core_;
  LanguageWeights weights_;
  std::unique_ptr<SequenceState> working_state_;  // copies that a pass may spoil
  std::atomic<size_t> working_state_bytes_{0};
};

}  // namespace skipscan
