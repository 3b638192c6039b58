#include "engine/language_model.h"

namespace skipscan {
namespace {

// Of the host's memory, a larger workspace is given back after the call that needed it. A GPU's is kept: allocating there
// is slow, and recordings have its address.
constexpr size_t kKeptWorkspace = size_t(32) << 20;

}  // namespace

LanguageModel::LanguageModel(const ModelConfig& config, std::shared_ptr<Device> device, DType dtype, int threads)
    : config_(config), device_(device), pool_(threads), weights_(config, dtype, std::move(device)) {}

Status LanguageModel::load(const TensorSource& source) {
  std::lock_guard lock(mutex_);
  return weights_.load(source, pool_);
}

Status LanguageModel::forward(const ForwardInput& in, ForwardOutput& out) {
  std::lock_guard lock(mutex_);
  return forward_locked(in, out);
}

Status LanguageModel::forward_or_keep_state(const ForwardInput& in, ForwardOutput& out) {
  std::lock_guard lock(mutex_);
  if (!spare_state_) SKIPSCAN_TRY(create_state(&spare_state_));
  SKIPSCAN_TRY(spare_state_->copy_from(*in.state));
  ForwardInput on_spare = in;
  on_spare.state = spare_state_.get();
  SKIPSCAN_TRY(forward_locked(on_spare, out));
  return in.state->replace_with(*spare_state_);
}

Status LanguageModel::forward_locked(const ForwardInput& in, ForwardOutput& out) {
  SKIPSCAN_TRY(device_->use());
  const DType activations = backend().half_activations ? weights_.embedding.dtype : DType::f32;
  const ForwardSetting setting = {config_, weights_, activations, *device_};
  Arena count;
  (void)Workspace(count, setting, in, out);
  if (workspace_.bytes() < count.used()) {
    workspace_.reset();  // the old one goes first
    SKIPSCAN_TRY(Memory::allocate(device_, count.used(), &workspace_));
  }
  count_workspace();

  Arena arena(workspace_.as<void>());
  Workspace workspace(arena, setting, in, out);
  Status status = ForwardPass(setting, in, out, workspace, pool_).run();
  // What a pass had queued before it failed still writes to the workspace and the state, and may find faults that are not the
  // next pass's.
  if (!status.ok()) (void)device_->wait(nullptr);

  if (device_->is_host() && workspace_.bytes() > kKeptWorkspace) workspace_.reset();
  count_workspace();
  return status;
}

void LanguageModel::count_workspace() {
  workspace_bytes_ = workspace_.bytes() + size_t(spare_state_ ? spare_state_->bytes() : 0) + pool_.scratch_bytes() +
                     device_->scratch_bytes();
}

}  // namespace skipscan
