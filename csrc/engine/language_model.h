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
  // The same, but in.state stays as it was unless all goes well.
  Status forward_or_keep_state(const ForwardInput& in, ForwardOutput& out);

  Status create_state(std::unique_ptr<SequenceState>* out) const {
    return SequenceState::allocate(config_, core_.shared_device(), out);
  }

  size_t workspace_bytes() const { return core_.workspace_bytes(); }
  // Bytes of all session states; sessions add and take off their own.
  std::atomic<int64_t> session_bytes{0};

 private:
  Status forward_locked(const ForwardInput& in, ForwardOutput& out);

  const ModelConfig config_;
  ModelCore core_;
  LanguageWeights weights_;
  std::unique_ptr<SequenceState> spare_state_;
};

}  // namespace skipscan
