// A Mamba or Mamba-2 language model: weights, workspace, and the walk through its blocks.
#pragma once
#include <atomic>
#include <mutex>
#include <vector>

#include "engine/block.h"
#include "engine/state.h"
#include "engine/weights.h"

namespace skipscan {

// Prompts back to back: sequence s is tokens[offsets[s]] .. tokens[offsets[s + 1] - 1]. None is empty.
struct TokenBatch {
  const int32_t* tokens;
  std::vector<int32_t> offsets;

  int64_t rows() const { return offsets.back(); }
  int64_t sequences() const { return int64_t(offsets.size()) - 1; }
};

struct ForwardOutput {
  float* logits = nullptr;  // (rows, vocab), or (sequences, vocab) when only the last row of each sequence is wanted
  bool last_only = true;
  float* hidden =
      nullptr;  // (layers + 2, rows, d_model): the embedding, the stream after each block, the final norm; or null
};

class LanguageModel {
 public:
  // `threads` includes the caller's.
  LanguageModel(const ModelConfig& config, const Backend& backend, DType dtype, int threads);

  const ModelConfig& config() const { return config_; }
  const Backend& backend() const { return backend_; }
  int threads() const { return pool_.threads(); }
  const Weights& weights() const { return weights_; }

  Status load(const TensorSource& source);
  Status finish_loading() const { return weights_.complete(); }

  // Runs whole sequences. `state` is null (start from zero, forget the end) or the one sequence's state, updated in place:
  // also when this fails, so work on a copy where that matters. `cancelled` is looked at between tiles; it may be null.
  Status forward(const TokenBatch& batch, SequenceState* state, const int32_t* cancelled, const ForwardOutput& out);

  size_t workspace_bytes() const { return workspace_bytes_.load(std::memory_order_relaxed); }
  // Bytes of all session states; sessions add and take off their own.
  std::atomic<int64_t> session_bytes{0};

 private:
  Status head(const float* hidden, const float* residual, int64_t rows, float* normed, float* logits,
              ExecContext& context);

  const ModelConfig config_;
  const Backend& backend_;
  ThreadPool pool_;
  Weights weights_;
  std::mutex mutex_;  // one forward at a time; lib/ queues calls, so nobody waits here for long
  Buffer workspace_;
  std::atomic<size_t> workspace_bytes_{0};
};

}  // namespace skipscan
