#include "engine/language_model.h"

namespace skipscan {
namespace {

constexpr size_t kKeptWorkspace = size_t(32) << 20;  // a larger workspace is given back after the call that needed it

}  // namespace

LanguageModel::LanguageModel(const ModelConfig& config, const Backend& backend, DType dtype, int threads)
    : config_(config), backend_(backend), pool_(threads), weights_(config, dtype, backend.panel) {}

Status LanguageModel::load(const TensorSource& source) {
  std::lock_guard lock(mutex_);
  return weights_.load(source, pool_);
}

Status LanguageModel::forward(const ForwardInput& in, ForwardOutput& out) {
  std::lock_guard lock(mutex_);
  Arena count;
  (void)Workspace(count, config_, in, out);
  if (workspace_.bytes() < count.used()) {
    workspace_ = Buffer();  // the old one goes first
    workspace_ = Buffer(count.used());
  }
  workspace_bytes_ = workspace_.bytes() + pool_.scratch_bytes();

  Arena arena(workspace_.as<void>());
  const Workspace workspace(arena, config_, in, out);
  Status status = ForwardPass(config_, weights_, backend_, in, out, workspace, pool_).run();

  if (workspace_.bytes() > kKeptWorkspace) workspace_ = Buffer();
  workspace_bytes_ = workspace_.bytes() + pool_.scratch_bytes();
  return status;
}

}  // namespace skipscan
