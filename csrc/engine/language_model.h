// A Mamba or Mamba-2 language model on a device.
#pragma once
#include "engine/forward_pass.h"
#include "engine/model_core.h"
#include "engine/session_state.h"

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
  Status forward_from(const SessionStates& states, bool advance, ForwardInput in, ForwardOutput& out);
  // One token for each of these states, which are different ones, in place: also when the pass fails. Sessions that step together
  // come to share one storage, so that the next such step copies nothing. `logits`: (states, vocab).
  Status step(const SessionStates& states, const int32_t* tokens, float* logits);

  // Of a sequence that has read nothing, in a storage of its own. From any thread.
  Status create_session(std::shared_ptr<SessionState>* out) const;
  // One that goes on from where `from` is; they share its memory until one of them goes on. Not while a call on `from` runs.
  Status clone_session(const SessionState& from, std::shared_ptr<SessionState>* out) const;

  ModelCore& core() { return core_; }

  size_t workspace_bytes() const { return core_.workspace_bytes() + working_state_bytes_; }
  // Bytes of all storages that sessions are in: a shared one is there, with room for all that came together in it, until the
  // last of them has left.
  int64_t session_bytes() const { return *session_bytes_; }

 private:
  Status forward_locked(const ForwardInput& in, ForwardOutput& out);
  bool owns(const SessionState& state) const;
  Status check_states(const SessionStates& states, int64_t sequences) const;
  Status gather(const SessionStates& states);
  Status hand_back(const SessionStates& states);
  void drop_working_state();
  Status allocate_storage(int64_t sequences, std::shared_ptr<SequenceState>* out) const;
  Status bring_together(const SessionStates& states) const;

  const ModelConfig config_;
  ModelCore core_;
  LanguageWeights weights_;
  std::unique_ptr<SequenceState> working_state_;  // copies that a pass may spoil
  std::atomic<size_t> working_state_bytes_{0};
  // Storages count themselves, and may outlive the model.
  const std::shared_ptr<std::atomic<int64_t>> session_bytes_ = std::make_shared<std::atomic<int64_t>>(0);
};

}  // namespace skipscan
