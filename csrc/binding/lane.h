// Threads for native work that takes long. libuv's own are four for the whole process, and files, names and hashes wait for
// them: a few models that compute would stop those for as long as a prefill lasts.
#pragma once
#include <functional>
#include <memory>

namespace skipscan::binding {

// Work is done in the order in which it is posted, by at most so many threads, which are started when there is work for them.
class Lane {
 public:
  using Job = std::function<void()>;  // must not throw

  explicit Lane(int most_threads);
  // Does not wait: what was posted is still done.
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // From any thread. Throws where the system has no memory, or no thread for the first one.
  void post(Job job);

 private:
  struct State;
  static void serve(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;  // the threads' too, which may outlive the lane
  const int most_threads_;
};

// Of operators, which share one pool of threads: one after another.
Lane& operator_lane();
// Of what is short and belongs to no model: images, memory that is copied or given back.
Lane& background_lane();

}  // namespace skipscan::binding
