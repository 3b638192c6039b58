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

Status LanguageModel::forward_or_keep_state(const ForwardInput& in, ForwardOutput& out) {
  std::lock_guard lock(core_.mutex());
  if (!spare_state_) SKIPSCAN_TRY(create_state(&spare_state_));
  SKIPSCAN_TRY(spare_state_->copy_from(*in.state));
  ForwardInput on_spare = in;
  on_spare.state = spare_state_.get();
  SKIPSCAN_TRY(forward_locked(on_spare, out));
  return in.state->replace_with(*spare_state_);
}

Status LanguageModel::forward_locked(const ForwardInput& in, ForwardOutput& out) {
  const ForwardSetting setting = {config_, weights_, core_.activations(weights_.dtype()), core_.device()};
  return core_.run(
      size_t(spare_state_ ? spare_state_->bytes() : 0),
      [&](Arena& arena) { return Workspace(arena, setting, in, out); },
      [&](Workspace& workspace) { return ForwardPass(setting, in, out, workspace, core_.pool()).run(); });
}

}  // namespace skipscan
