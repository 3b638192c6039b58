// A Mamba or Mamba-2 language model on a device: weights, threads and the workspace of its forward passes.
#pragma once
#include <atomic>
#include <mutex>

#include "engine/forward_pass.h"

namespace skipscan {

class LanguageModel {
 public:
  // The device is the model's own: nobody else uses its queue. `threads` are those of the CPU, the caller's included.
  LanguageModel(const ModelConfig& config, std::shared_ptr<Device> device, DType dtype, int threads);

  const ModelConfig& config() const { return config_; }
  const Backend& backend() const { return device_->backend(); }
  const Weights& weights() const { return weights_; }

  Status load(const TensorSource& source);
  Status finish_loading() const { return weights_.complete(); }

  Status forward(const ForwardInput& in, ForwardOutput& out);
  // The same, but in.state stays as it was unless all goes well.
  Status forward_or_keep_state(const ForwardInput& in, ForwardOutput& out);

  Status create_state(std::unique_ptr<SequenceState>* out) const {
    return SequenceState::allocate(config_, device_, out);
  }

  size_t workspace_bytes() const { return workspace_bytes_.load(std::memory_order_relaxed); }
  // Bytes of all session states; sessions add and take off their own.
  std::atomic<int64_t> session_bytes{0};

 private:
  Status forward_locked(const ForwardInput& in, ForwardOutput& out);
  void count_workspace();

  const ModelConfig config_;
  const std::shared_ptr<Device> device_;
  ThreadPool pool_;
  Weights weights_;
  std::mutex mutex_;  // one forward at a time; lib/ queues calls, so nobody waits here for long
  Memory workspace_;
  std::unique_ptr<SequenceState> spare_state_;
  std::atomic<size_t> workspace_bytes_{0};
};

}  // namespace skipscan
