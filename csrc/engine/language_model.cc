#include "engine/language_model.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "engine/pass_inputs.h"

namespace skipscan {
namespace {

// What a pass would otherwise reach outside of its memory by. lib/ has checked all of it.
Status check(const ModelConfig& config, const ForwardInput& in, const ForwardOutput& out) {
  const std::vector<int32_t>& offsets = in.batch.offsets;
  if (offsets.size() < 2 || offsets.front() != 0 ||
      std::adjacent_find(offsets.begin(), offsets.end(), std::greater_equal<>()) != offsets.end()) {
    return fail(Code::native, "Expected rising offsets of at least one sequence.");
  }
  const int32_t* const end = in.batch.tokens + in.batch.rows();
  if (std::any_of(in.batch.tokens, end, [&](int32_t token) { return token < 0 || token >= config.vocab; })) {
    return fail(Code::native, "Expected token ids from 0 to " + std::to_string(config.vocab - 1) + ".");
  }
  if (in.start < 0 || in.start >= std::numeric_limits<int32_t>::max() - in.batch.rows()) {
    return fail(Code::native,
                "Expected a position at which the sequences can start but received " + std::to_string(in.start) + ".");
  }
  if (!in.reduction) return {};
  if (out.hidden || in.reduction->released_top) {
    return fail(Code::native, "Expected a reduction of language models, without hidden states.");
  }
  return in.reduction->check(config.layers, in.batch.sequences());
}

}  // namespace

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

Status LanguageModel::forward_from(const SessionStates& states, bool advance, ForwardInput in, ForwardOutput& out) {
  std::lock_guard lock(core_.mutex());
  SKIPSCAN_TRY(check_states(states, int64_t(in.batch.offsets.size()) - 1));
  SKIPSCAN_TRY(gather(states));
  in.state = working_state_.get();
  Status status = forward_locked(in, out);
  if (status.ok() && advance) status = hand_back(states);
  if (core_.device().is_host() && working_state_bytes_ > ModelCore::kKeptWorkspace) drop_working_state();
  return status;
}

Status LanguageModel::step(const SessionStates& states, const int32_t* tokens, float* logits) {
  std::lock_guard lock(core_.mutex());
  SKIPSCAN_TRY(check_states(states, int64_t(states.size())));
  SKIPSCAN_TRY(bring_together(states));
  ForwardOutput out{.logits = logits, .last_only = true, .hidden = nullptr, .kept = {}};
  const TokenBatch batch{tokens, counting(int64_t(states.size()) + 1)};
  return forward_locked({.batch = batch, .state = states[0]->storage.get()}, out);
}

Status LanguageModel::create_session(std::shared_ptr<SessionState>* out) const {
  std::shared_ptr<SequenceState> storage;
  SKIPSCAN_TRY(allocate_storage(1, &storage));
  *out = std::make_shared<SessionState>(std::move(storage));
  return {};
}

Status LanguageModel::clone_session(const SessionState& from, std::shared_ptr<SessionState>* out) const {
  if (!owns(from)) return fail(Code::native, "Expected a session of this model to clone.");
  *out = std::make_shared<SessionState>(from);
  return {};
}

bool LanguageModel::owns(const SessionState& state) const { return state.storage->is_of(config_, core_.device()); }

Status LanguageModel::allocate_storage(int64_t sequences, std::shared_ptr<SequenceState>* out) const {
  std::unique_ptr<SequenceState> storage;
  SKIPSCAN_TRY(SequenceState::allocate(config_, core_.shared_device(), sequences, &storage));
  *session_bytes_ += storage->bytes();
  *out = {storage.release(), [counted = session_bytes_](SequenceState* gone) {
            *counted -= gone->bytes();
            delete gone;
          }};
  return {};
}

Status LanguageModel::check_states(const SessionStates& states, int64_t sequences) const {
  const bool fits = !states.empty() && int64_t(states.size()) == sequences &&
                    std::all_of(states.begin(), states.end(), [this](const auto& state) { return owns(*state); });
  return fits ? Status() : fail(Code::native, "Expected a session of this model for each sequence.");
}

// Makes the states the sequences of one storage, in this order and nobody else's, unless they are. The old ones go as they are left.
Status LanguageModel::bring_together(const SessionStates& states) const {
  const int64_t count = int64_t(states.size());
  const SequenceState* const shared = states[0]->storage.get();
  bool together = shared->sequences() == count;
  for (int64_t s = 0; s < count && together; ++s) {
    const SessionState& state = *states[size_t(s)];
    together = state.storage.get() == shared && state.sequence == s && !state.is_shared();
  }
  if (together) return {};
  std::shared_ptr<SequenceState> storage;
  SKIPSCAN_TRY(allocate_storage(count, &storage));
  for (int64_t s = 0; s < count; ++s) {
    SessionState moved(storage, s);
    SKIPSCAN_TRY(moved.copy_from(*states[size_t(s)]));
    *states[size_t(s)] = std::move(moved);
  }
  return {};
}

// What the last pass has worked on is used again for as many sequences: a GPU's recordings have its address.
Status LanguageModel::gather(const SessionStates& states) {
  const int64_t sequences = int64_t(states.size());
  if (!working_state_ || working_state_->sequences() != sequences) {
    drop_working_state();  // the old one goes first
    SKIPSCAN_TRY(SequenceState::allocate(config_, core_.shared_device(), sequences, &working_state_));
    working_state_bytes_ = size_t(working_state_->bytes());
  }
  for (size_t s = 0; s < states.size(); ++s) {
    SKIPSCAN_TRY(working_state_->copy_sequence(int64_t(s), *states[s]->storage, states[s]->sequence));
  }
  return {};
}

Status LanguageModel::hand_back(const SessionStates& states) {
  // What clones hold too stays with them. Memory first: if there is none left, no session has moved yet.
  std::vector<std::shared_ptr<SequenceState>> own(states.size());
  for (size_t s = 0; s < states.size(); ++s) {
    if (states[s]->is_shared()) SKIPSCAN_TRY(allocate_storage(1, &own[s]));
  }
  for (size_t s = 0; s < states.size(); ++s) {
    if (own[s]) *states[s] = SessionState(std::move(own[s]));
    SKIPSCAN_TRY(states[s]->take(*working_state_, int64_t(s)));
  }
  return {};
}

void LanguageModel::drop_working_state() {
  working_state_.reset();
  working_state_bytes_ = 0;
}

Status LanguageModel::forward_locked(const ForwardInput& in, ForwardOutput& out) {
  SKIPSCAN_TRY(check(config_, in, out));
  const ForwardSetting setting = {config_, weights_, core_.activations(weights_.dtype()), core_.device()};
  return core_.run([&](Arena& arena) { return Workspace(arena, setting, in, out); },
                   [&](Workspace& workspace) { return ForwardPass(setting, in, out, workspace, core_.pool()).run(); });
}

}  // namespace skipscan
