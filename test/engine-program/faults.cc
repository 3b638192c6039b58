// Every allocation of the engine fails in turn, by itself and with all that follow.
//
//   engine_faults
//
// A scenario that meets a failure says ERR_OUT_OF_MEMORY, and the same model then gives what it would have given; a session that
// could not read on is as it was. Nothing leaks (AddressSanitizer looks at the end). Ends with status 1 when that is not so.
#include <cstdio>
#include <new>
#include <system_error>

#include "failing_memory.h"
#include "models.h"

namespace engine_program {
namespace {

// As the binding turns what the engine throws into a Status, without memory for it.
template <class Work>
Status guarded(const Work& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return {Code::out_of_memory, {}};
  } catch (const std::system_error& error) {
    return {error.code() == std::errc::resource_unavailable_try_again ? Code::out_of_memory : Code::native, {}};
  }
}

// Runs work() after prepare() with the first allocation failing, then with the second, until it needs fewer; after each failure,
// after() must find all well. Returns how many failed.
template <class Prepare, class Work, class After>
long fail_in_turn(const std::string& what, Failing failing, const Prepare& prepare, const Work& work,
                  const After& after) {
  for (long first = 0;; ++first) {
    Status status;
    bool failed;
    prepare();
    {
      const FailingMemory memory(first, failing);
      status = guarded(work);
      failed = FailingMemory::failed();
    }
    const std::string where = what + ", allocation " + std::to_string(first + 1);
    if (!failed) {
      require(status, where);
      return first;
    }
    // A failure that was got over is as good.
    if (!status.ok() && status.code != Code::out_of_memory) require(status, where);
    after(where);
  }
}

template <class Prepare, class Work, class After>
void fail_all_ways(const std::string& what, const Prepare& prepare, const Work& work, const After& after) {
  const long once = fail_in_turn(what, Failing::once, prepare, work, after);
  const long always = fail_in_turn(what + ", and all that follow", Failing::from_then_on, prepare, work, after);
  if (once != always || once == 0) require(fail(Code::native, "has no allocations, or not always as many"), what);
  std::printf("ok   %s: %ld allocations failed\n", what.c_str(), once);
}

template <class Model>
void fail_loading(const Case<Model>& of, const Checkpoint& checkpoint) {
  fail_all_ways(
      std::string(of.name) + ", load", [] {},
      [&] {
        std::shared_ptr<Model> model;
        return load(of, checkpoint, 3, &model);
      },
      [](const std::string&) {});
}

// A tensor that could not be loaded is loaded again, into the same model.
template <class Model>
void load_again(const Case<Model>& of, const Checkpoint& checkpoint, const std::vector<Values>& expected) {
  const auto& scenarios = Kind<Model>::scenarios();
  for (long first = 0;; ++first) {
    const std::string what = std::string(of.name) + ", loaded again after allocation " + std::to_string(first + 1);
    Model model(of.config, Checkpoint::device(), of.dtype, 2);
    bool failed = false;
    for (const TensorSource& source : checkpoint.sources()) {
      Status status;
      {
        const FailingMemory memory(first, Failing::once);
        status = guarded([&] { return model.load(source); });
        failed = failed || FailingMemory::failed();
      }
      if (status.code == Code::out_of_memory) status = model.load(source);
      require(status, what);
    }
    require(model.finish_loading(), what);
    Values results;
    require(scenarios[0].run(model, results), what);
    require_equal(results, expected[0], what);
    if (!failed) return;
  }
}

// Each time in a new model, which has no memory from passes before.
template <class Model>
void fail_scenarios(const Case<Model>& of, const Checkpoint& checkpoint, const std::vector<Values>& expected) {
  const auto& scenarios = Kind<Model>::scenarios();
  for (size_t s = 0; s < scenarios.size(); ++s) {
    std::shared_ptr<Model> model;
    fail_all_ways(
        std::string(of.name) + ", " + scenarios[s].name, [&] { require(load(of, checkpoint, 2, &model), of.name); },
        [&] {
          Values results;
          return scenarios[s].run(*model, results);
        },
        [&](const std::string& where) {
          Values results;
          require(scenarios[s].run(*model, results), where);
          require_equal(results, expected[s], where);
        });
  }
}

std::vector<std::byte> bytes_of(const SessionState& session) {
  std::vector<std::byte> bytes(size_t(session.bytes()));
  require(session.read(bytes.data()), "a session's state");
  return bytes;
}

// A prefill that fails leaves its session as it was, and the one that shares the storage.
void keep_sessions(const Case<LanguageModel>& of, const Checkpoint& checkpoint) {
  const auto tokens = random_tokens(9, of.config.vocab, 3);
  Values logits(size_t(2 * of.config.vocab));
  std::shared_ptr<LanguageModel> model;
  SessionStates sessions(2);
  std::vector<std::byte> before[2];
  fail_all_ways(
      std::string(of.name) + ", prefill of a session",
      [&] {
        require(load(of, checkpoint, 2, &model), of.name);
        for (auto& session : sessions) require(model->create_session(&session), "a session");
        require(model->step(sessions, tokens.data(), logits.data()), "a step");
        for (size_t s = 0; s < 2; ++s) before[s] = bytes_of(*sessions[s]);
      },
      [&] {
        ForwardOutput out{.logits = logits.data(), .last_only = true, .hidden = nullptr, .kept = {}};
        return model->forward_from({sessions[0]}, true, {.batch = {tokens.data(), {0, 9}}}, out);
      },
      [&](const std::string& where) {
        for (size_t s = 0; s < 2; ++s) {
          if (bytes_of(*sessions[s]) != before[s]) require(fail(Code::native, "has changed a session"), where);
        }
      });
}

template <class Model>
void run_case(const Case<Model>& of) {
  const Checkpoint checkpoint(of);
  std::shared_ptr<Model> model;
  require(load(of, checkpoint, 2, &model), of.name);
  std::vector<Values> expected;
  for (const auto& scenario : Kind<Model>::scenarios()) {
    require(scenario.run(*model, expected.emplace_back()), scenario.name);
  }
  fail_loading(of, checkpoint);
  load_again(of, checkpoint, expected);
  fail_scenarios(of, checkpoint, expected);
  if constexpr (std::is_same_v<Model, LanguageModel>) keep_sessions(of, checkpoint);
}

}  // namespace
}  // namespace engine_program

int main() {
  using namespace engine_program;
  for (const auto& of : language_cases(Scale::tiny)) run_case(of);
  for (const auto& of : vision_cases(Scale::tiny)) run_case(of);
  std::printf("Every failure was told, and did no harm.\n");
  return 0;
}
