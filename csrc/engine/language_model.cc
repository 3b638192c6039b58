#include "engine/language_model.h"

namespace skipscan {

LanguageModel::LanguageModel(const ModelConfig& config, std::shared_ptr<Device> device, DType dtype, int threads)
    : config_(config), core_(device, threads), weights_(config, dtype, std::move(device)) {}

Status LanguageModel::load(const TensorSource& source) {
  std::lock_guard lock(core_.mutex());
  return weights_.load(source, core_.pool());
}

Status LanguageModel::forward(const ForwardInput& in, ForwardOutput& out) {
  std::lock_guard lock(core_.mutex());
  return forward_locked(in, out);
}

Status LanguageModel::forward_from(const std::vector<std::shared_ptr<SequenceState>>& states, bool advance,
                                   ForwardInput in, ForwardOutput& out) {
  std::lock_guard lock(core_.mutex());
  SKIPSCAN_TRY(gather(states));
  in.state = working_state_.get();
  Status status = forward_locked(in, out);
  if (status.ok() && advance) status = hand_back(states);
  if (core_.device().is_host() && working_state_bytes_ > ModelCore::kKeptWorkspace) drop_working_state();
  return status;
}

// What the last pass has worked on is used again for as many sequences: a GPU's recordings have its address.
Status LanguageModel::gather(const std::vector<std::shared_ptr<SequenceState>>& states) {
  const int64_t sequences = int64_t(states.size());
  if (!working_state_ || working_state_->sequences() != sequences) {
    drop_working_state();  // the old one goes first
    SKIPSCAN_TRY(SequenceState::allocate(config_, core_.shared_device(), sequences, &working_state_));
    working_state_bytes_ = size_t(working_state_->bytes());
  }
  if (sequences == 1) return working_state_->copy_from(*states[0]);
  for (size_t s = 0; s < states.size(); ++s) {
    SKIPSCAN_TRY(working_state_->copy_sequence(int64_t(s), *states[s], 0));
  }
  return {};
}

Status LanguageModel::hand_back(const std::vector<std::shared_ptr<SequenceState>>& states) {
  if (states.size() == 1) return states[0]->replace_with(*working_state_);
  for (size_t s = 0; s < states.size(); ++s) {
    SKIPSCAN_TRY(states[s]->copy_sequence(0, *working_state_, int64_t(s)));
  }
  return {};
}

void LanguageModel::drop_working_state() {
  working_state_.reset();
  working_state_bytes_ = 0;
}

Status LanguageModel::forward_locked(const ForwardInput& in, ForwardOutput& out) {
  const ForwardSetting setting = {config_, weights_, core_.activations(weights_.dtype()), core_.device()};
  return core_.run([&](Arena& arena) { return Workspace(arena, setting, in, out); },
                   [&](Workspace& workspace) { return ForwardPass(setting, in, out, workspace, core_.pool()).run(); });
}

}  // namespace skipscan
