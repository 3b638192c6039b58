// The engine with many threads, for ThreadSanitizer, AddressSanitizer and valgrind.
//
//   engine_threads [--tiny]     --tiny: models so small that valgrind is done with them in a minute
//
// Whatever is done at once gives, to the bit, what one thread alone gives. Ends with status 1 when it does not.
#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>

#include "models.h"

namespace engine_program {
namespace {

// A case with its weights and what every scenario gives in a model that has one thread and does one thing after the other.
template <class Model>
struct Subject {
  Case<Model> of;
  Checkpoint checkpoint;
  std::vector<Values> expected;

  explicit Subject(const Case<Model>& of) : of(of), checkpoint(of) {
    const auto model = loaded(1);
    for (const auto& scenario : Kind<Model>::scenarios()) {
      Values results;
      require(scenario.run(*model, results), name(scenario));
      expected.push_back(std::move(results));
    }
  }

  std::string name(const Scenario<Model>& scenario) const { return std::string(of.name) + ", " + scenario.name; }

  std::shared_ptr<Model> loaded(int threads) const {
    std::shared_ptr<Model> model;
    require(load(of, checkpoint, threads, &model), std::string(of.name) + ", load");
    return model;
  }

  void check(Model& model, size_t scenario, const char* when) const {
    const auto& s = Kind<Model>::scenarios()[scenario];
    Values results;
    require(s.run(model, results), name(s) + when);
    require_equal(results, expected[scenario], name(s) + when);
  }
  void check_all(Model& model, const char* when) const {
    for (size_t s = 0; s < expected.size(); ++s) check(model, s, when);
  }
};

// Runs work(0), work(1), ... at once.
template <class Work>
void at_once(size_t count, const Work& work) {
  std::vector<std::thread> threads;
  for (size_t i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

// Operators share their work among the threads of one model.
template <class Model>
void share_work(const Subject<Model>& subject) {
  subject.check_all(*subject.loaded(4), ", with 4 threads");
}

// Several models work side by side, each loaded, used and given up by a thread of its own.
template <class Model>
void work_side_by_side(const Subject<Model>& subject) {
  at_once(3, [&](size_t i) { subject.check_all(*subject.loaded(int(1 + i)), ", beside other models"); });
}

// Several threads call one model, while another looks at how much memory it has.
template <class Model>
void call_one_model(const Subject<Model>& subject) {
  const auto model = subject.loaded(2);
  std::atomic<bool> done{false};
  std::atomic<size_t> seen{0};
  std::thread watcher([&] {
    while (!done) {
      seen = model->workspace_bytes();
      std::this_thread::yield();
    }
  });
  at_once(3, [&](size_t i) {
    for (size_t s = 0; s < subject.expected.size(); ++s) {
      subject.check(*model, (s + i) % subject.expected.size(), ", called from several threads");
    }
  });
  done = true;
  watcher.join();
}

// The last one that holds a model gives it up while others have just ended with it.
template <class Model>
void give_up_a_model(const Subject<Model>& subject) {
  auto model = subject.loaded(2);
  std::vector<std::shared_ptr<Model>> holders(3, model);
  model.reset();
  at_once(holders.size(), [&](size_t i) {
    subject.check(*holders[i], 0, ", before it was given up");
    holders[i].reset();
  });
}

// A pass that is told to stop while it runs gives the right results or says that it was stopped; the next one is right.
void cancel(const Subject<LanguageModel>& subject) {
  const auto model = subject.loaded(2);
  const ModelConfig& config = model->config();
  const int32_t rows = 400;
  const auto tokens = random_tokens(rows, config.vocab, 9);
  const TokenBatch batch{tokens.data(), {0, rows}};
  const auto run = [&](const int32_t* cancelled, Values& logits) {
    logits.assign(size_t(config.vocab), 0);
    ForwardOutput out{.logits = logits.data(), .last_only = true, .hidden = nullptr, .kept = {}};
    return model->forward({.batch = batch, .cancelled = cancelled}, out);
  };
  Values expected, logits;
  require(run(nullptr, expected), "a long prompt");
  for (int i = 0; i < 8; ++i) {
    int32_t cell = 0;
    std::thread canceller([&] {
      for (int wait = 0; wait < 200 * i; ++wait) std::this_thread::yield();
      __atomic_store_n(&cell, 1, __ATOMIC_RELAXED);
    });
    const Status status = run(&cell, logits);
    canceller.join();
    if (status.ok()) require_equal(logits, expected, "a prompt that was not stopped in time");
    if (!status.ok() && status.code != Code::aborted) require(status, "a prompt that was stopped");
    require(run(nullptr, logits), "a prompt after one that was stopped");
    require_equal(logits, expected, "a prompt after one that was stopped");
  }
}

// Two sessions share one storage. While one reads on, the other is looked at and copied, as lib/models allows.
void use_shared_storage(const Subject<LanguageModel>& subject) {
  const auto model = subject.loaded(2);
  const int32_t vocab = model->config().vocab;
  const auto tokens = random_tokens(2, vocab, 3);
  SessionStates sessions(2);
  for (auto& session : sessions) require(model->create_session(&session), "a session");
  Values logits(size_t(2 * vocab));
  require(model->step(sessions, tokens.data(), logits.data()), "a step of two sessions");
  std::vector<std::byte> before(size_t(sessions[0]->bytes())), after(before.size());
  require(sessions[0]->read(before.data()), "a session's state");
  at_once(2, [&](size_t i) {
    if (i == 0) {
      ForwardOutput out{.logits = logits.data(), .last_only = true, .hidden = nullptr, .kept = {}};
      for (int n = 0; n < 4; ++n) {
        require(model->forward_from({sessions[1]}, true, {.batch = {tokens.data(), {0, 2}}}, out),
                "a neighbour's prefill");
      }
    } else {
      for (int n = 0; n < 20; ++n) {
        std::shared_ptr<SessionState> clone;
        require(model->create_session(&clone), "a clone");
        require(clone->copy_from(*sessions[0]), "a clone");
        require(clone->read(after.data()), "a clone's state");
        if (std::memcmp(before.data(), after.data(), before.size()) != 0) {
          require(fail(Code::native, "changed while its neighbour read on"), "an idle session");
        }
      }
    }
  });
}

// Sessions may outlive their model, and are given up by whoever has them last.
void outlive_the_model(const Subject<LanguageModel>& subject) {
  auto model = subject.loaded(2);
  SessionStates sessions(3);
  for (auto& session : sessions) require(model->create_session(&session), "a session");
  const auto tokens = random_tokens(3, model->config().vocab, 3);
  Values logits(size_t(3 * model->config().vocab));
  require(model->step(sessions, tokens.data(), logits.data()), "a step of three sessions");
  at_once(4, [&](size_t i) { i < 3 ? sessions[i].reset() : model.reset(); });
}

template <class Model>
void run_all(const Subject<Model>& subject) {
  share_work(subject);
  work_side_by_side(subject);
  call_one_model(subject);
  give_up_a_model(subject);
}

int run(Scale scale) {
  for (const auto& of : language_cases(scale)) {
    const Subject<LanguageModel> subject(of);
    run_all(subject);
    cancel(subject);
    use_shared_storage(subject);
    outlive_the_model(subject);
    std::printf("ok   %s on %s\n", of.name, Checkpoint::device()->backend().name);
  }
  for (const auto& of : vision_cases(scale)) {
    run_all(Subject<VisionModel>(of));
    std::printf("ok   %s on %s\n", of.name, Checkpoint::device()->backend().name);
  }
  std::printf("What ran at once gave what one thread gives.\n");
  return 0;
}

}  // namespace
}  // namespace engine_program

int main(int argc, char** argv) {
  using engine_program::Scale;
  const bool tiny = argc == 2 && std::strcmp(argv[1], "--tiny") == 0;
  if (argc > 1 && !tiny) {
    std::fprintf(stderr, "usage: engine_threads [--tiny]\n");
    return 2;
  }
  return engine_program::run(tiny ? Scale::tiny : Scale::small);
}
