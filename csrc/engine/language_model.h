// A Mamba or Mamba-2 language model: weights, threads and the workspace of its forward passes.
#pragma once
#include <atomic>
#include <mutex>

#include "engine/forward_pass.h"

namespace skipscan {

class LanguageModel {
 public:
  // `threads` includes the caller's.
  LanguageModel(const ModelConfig& config, const Backend& backend, DType dtype, int threads);

  const ModelConfig& config() const { return config_; }
  const Backend& backend() const { return backend_; }
  const Weights& weights() const { return weights_; }

  Status load(const TensorSource& source);
  Status finish_loading() const { return weights_.complete(); }

  Status forward(const ForwardInput& in, ForwardOutput& out);

  size_t workspace_bytes() const { return workspace_bytes_.load(std::memory_order_relaxed); }
  // Bytes of all session states; sessions add and take off their own.
  std::atomic<int64_t> session_bytes{0};

 private:
  const ModelConfig config_;
  const Backend& backend_;
  ThreadPool pool_;
  Weights weights_;
  std::mutex mutex_;  // one forward at a time; lib/ queues calls, so nobody waits here for long
  Buffer workspace_;
  std::atomic<size_t> workspace_bytes_{0};
};

}  // namespace skipscan
