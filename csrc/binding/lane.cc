#include "binding/lane.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "core/compute_thread.h"

namespace skipscan::binding {

struct Lane::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> waiting;
  size_t threads = 0, idle = 0;
  bool closed = false;
};

Lane::Lane(int most_threads) : state_(std::make_shared<State>()), most_threads_(most_threads) {}

Lane::~Lane() {
  std::lock_guard lock(state_->mutex);
  state_->closed = true;
  state_->changed.notify_all();
}

void Lane::post(Job job) {
  std::lock_guard lock(state_->mutex);
  state_->waiting.push_back(std::move(job));
  if (state_->waiting.size() > state_->idle && state_->threads < size_t(most_threads_)) {
    try {
      std::thread([state = state_] { serve(state); }).detach();
      state_->threads += 1;
    } catch (...) {
      if (state_->threads == 0) {
        state_->waiting.pop_back();
        throw;
      }
    }
  }
  state_->changed.notify_one();
}

void Lane::serve(const std::shared_ptr<State>& state) {
  become_compute_thread();
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->idle += 1;
    state->changed.wait(lock, [&] { return !state->waiting.empty() || state->closed; });
    state->idle -= 1;
    if (state->waiting.empty()) return;
    Job job = std::move(state->waiting.front());
    state->waiting.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it holds is given back here, not while others wait for the lock
    lock.lock();
  }
}

// Never destroyed: work may go on while the process exits.

Lane& operator_lane() {
  static auto* lane = new Lane(1);
  return *lane;
}

Lane& background_lane() {
  static auto* lane = new Lane(int(std::clamp(std::thread::hardware_concurrency(), 1u, 4u)));
  return *lane;
}

}  // namespace skipscan::binding
