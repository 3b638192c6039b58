// What is done with a language model.
#include <numeric>

#include "models.h"

namespace engine_program {
namespace {

constexpr int32_t kLong = 70, kShort = 9;

// Two prompts in one pass.
struct Prompts {
  std::vector<int32_t> tokens;
  TokenBatch batch;

  explicit Prompts(const LanguageModel& model)
      : tokens(random_tokens(kLong + kShort, model.config().vocab, 5)),
        batch{tokens.data(), {0, kLong, kLong + kShort}} {}
};

void add(Values& results, const std::vector<KeptRows>& kept) {
  for (const KeptRows& k : kept) results.insert(results.end(), k.positions.begin(), k.positions.end());
}

Status forward_with(LanguageModel& model, const Reduction* reduction, bool last_only, Values& results) {
  const Prompts prompts(model);
  const int64_t rows = last_only ? prompts.batch.sequences() : prompts.batch.rows();
  Values logits(size_t(rows * model.config().vocab));
  ForwardOutput out{.logits = logits.data(), .last_only = last_only, .hidden = nullptr, .kept = {}};
  SKIPSCAN_TRY(model.forward({.batch = prompts.batch, .reduction = reduction}, out));
  results.insert(results.end(), logits.begin(), logits.end());
  add(results, out.kept);
  return {};
}

Status forward(LanguageModel& model, Values& results) { return forward_with(model, nullptr, false, results); }

// Every policy, with scores of each kind among them.
Status reduce(LanguageModel& model, Values& results) {
  constexpr ImportanceMetric metrics[] = {ImportanceMetric::clip, ImportanceMetric::state, ImportanceMetric::novel};
  for (const auto policy : {ReductionPolicy::utrc, ReductionPolicy::prune, ReductionPolicy::merge,
                            ReductionPolicy::ltmp, ReductionPolicy::uniform, ReductionPolicy::random}) {
    Reduction reduction;
    reduction.layers = {0};
    reduction.keep = {0.6, 0.6};
    reduction.policy = policy;
    reduction.metric = metrics[size_t(policy) % 3];
    reduction.q_hidden = reduction.q_residual = 0.5;
    reduction.merge_above = 0.5;
    reduction.seed = 3;
    SKIPSCAN_TRY(forward_with(model, &reduction, true, results));
  }
  return {};
}

// Reads the first `count` tokens of the long prompt.
Status prefill(LanguageModel& model, const std::shared_ptr<SessionState>& session, int32_t count, Values& results) {
  const Prompts prompts(model);
  Values logits(size_t(model.config().vocab));
  ForwardOutput out{.logits = logits.data(), .last_only = true, .hidden = nullptr, .kept = {}};
  SKIPSCAN_TRY(model.forward_from({session}, true, {.batch = {prompts.tokens.data(), {0, count}}}, out));
  results.insert(results.end(), logits.begin(), logits.end());
  return {};
}

Status step(LanguageModel& model, const SessionStates& sessions, uint32_t seed, Values& results) {
  const auto tokens = random_tokens(int64_t(sessions.size()), model.config().vocab, seed);
  Values logits(sessions.size() * size_t(model.config().vocab));
  SKIPSCAN_TRY(model.step(sessions, tokens.data(), logits.data()));
  results.insert(results.end(), logits.begin(), logits.end());
  return {};
}

Status decode(LanguageModel& model, Values& results) {
  std::shared_ptr<SessionState> session;
  SKIPSCAN_TRY(model.create_session(&session));
  SKIPSCAN_TRY(prefill(model, session, kLong, results));
  for (uint32_t i = 0; i < 3; ++i) SKIPSCAN_TRY(step(model, {session}, i, results));
  return {};
}

// Sessions that come together, change company, and go on alone.
Status step_together(LanguageModel& model, Values& results) {
  SessionStates sessions(3);
  for (size_t s = 0; s < sessions.size(); ++s) {
    SKIPSCAN_TRY(model.create_session(&sessions[s]));
    SKIPSCAN_TRY(prefill(model, sessions[s], 4 + int32_t(s), results));
  }
  for (uint32_t i = 0; i < 2; ++i) SKIPSCAN_TRY(step(model, sessions, i, results));
  SKIPSCAN_TRY(step(model, {sessions[2], sessions[0]}, 7, results));
  SKIPSCAN_TRY(step(model, {sessions[1]}, 8, results));
  return prefill(model, sessions[0], kShort, results);
}

// A copy, and a third session that is given the state's bytes, go on as the first one does.
Status copy(LanguageModel& model, Values& results) {
  SessionStates sessions(3);
  for (auto& session : sessions) SKIPSCAN_TRY(model.create_session(&session));
  SKIPSCAN_TRY(prefill(model, sessions[0], kShort, results));
  SKIPSCAN_TRY(sessions[1]->copy_from(*sessions[0]));
  std::vector<std::byte> bytes(size_t(sessions[0]->bytes()));
  SKIPSCAN_TRY(sessions[0]->read(bytes.data()));
  SKIPSCAN_TRY(sessions[2]->write(bytes.data()));
  Values first;
  for (const auto& session : sessions) {
    Values logits;
    SKIPSCAN_TRY(step(model, {session}, 2, logits));
    if (first.empty()) first = logits;
    if (logits != first) return fail(Code::native, "A copy of a session went on another way.");
  }
  results.insert(results.end(), first.begin(), first.end());
  return {};
}

}  // namespace

const std::vector<Scenario<LanguageModel>>& Kind<LanguageModel>::scenarios() {
  static const std::vector<Scenario<LanguageModel>> all = {
      {"forward", forward}, {"reduce", reduce}, {"decode", decode}, {"step together", step_together}, {"copy", copy}};
  return all;
}

}  // namespace engine_program
