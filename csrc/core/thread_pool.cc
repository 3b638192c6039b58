#include "core/thread_pool.h"

#include <chrono>
#include <cstdlib>
#include <new>
#include <string>
#include <system_error>

#include "core/arena.h"
#include "core/compute_thread.h"
#include "core/denormals.h"

namespace skipscan {
namespace {

// How long to look for what comes next before sleeping: longer than the gap between two operators of a block.
constexpr std::chrono::microseconds kPatience{50};

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Looks until `done` or until patience ends; whether it was done. (The time that a pause takes differs by a factor of ten between
// processors, so it cannot be counted in pauses.)
template <class Done>
bool look(const Done& done) {
  constexpr int kPauses = 16;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  do {
    for (int i = 0; i < kPauses; ++i) {
      if (done()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

}  // namespace

ThreadPool::ThreadPool(int threads) : scratch_(size_t(threads < 1 ? 1 : threads)) {
  try {
    workers_.reserve(scratch_.size() - 1);
    for (int w = 1; w < this->threads(); ++w) workers_.emplace_back([this, w] { work(w); });
  } catch (const std::system_error& error) {
    const size_t started = workers_.size() + 1;
    stop();
    throw std::system_error(error.code(), "The system started only " + std::to_string(started) + " of " +
                                              std::to_string(scratch_.size()) +
                                              " threads. Ask for fewer with the option threads, or let the process "
                                              "have more (ulimit -u, or the limit of its container)");
  } catch (...) {
    stop();  // a thread that nobody has joined would end the process
    throw;
  }
}

ThreadPool::~ThreadPool() {
  stop();
  for (Scratch& s : scratch_) std::free(s.data);
  std::free(shared_.data);
}

void ThreadPool::stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    ++generation_;
  }
  wake_.notify_all();
  for (std::thread& t : workers_) t.join();
}

void ThreadPool::reserve_scratch(size_t bytes) {
  bytes = align_up(bytes);
  if (bytes <= scratch_bytes_) return;
  scratch_bytes_ = 0;  // holds if an allocation below fails
  for (Scratch& s : scratch_) s.resize(bytes);
  scratch_bytes_ = bytes;
}

void ThreadPool::reserve_shared(size_t bytes) {
  bytes = align_up(bytes);
  if (bytes <= shared_bytes_) return;
  shared_bytes_ = 0;
  shared_.resize(bytes);
  shared_bytes_ = bytes;
}

void ThreadPool::Scratch::resize(size_t bytes) {
  std::free(data);
  data = static_cast<std::byte*>(std::aligned_alloc(kAlignment, bytes));
  if (!data) throw std::bad_alloc();
}

void ThreadPool::run(int64_t tasks, Call call, const void* body) {
  if (tasks <= 0) return;
  const ZeroDenormals zero;
  if (tasks == 1 || workers_.empty()) {
    for (int64_t t = 0; t < tasks; ++t) call(body, t, 0);
    return;
  }
  call_ = call;
  body_ = body;
  tasks_ = tasks;
  next_.store(0, std::memory_order_relaxed);
  open_.store(true, std::memory_order_seq_cst);
  generation_.fetch_add(1, std::memory_order_seq_cst);
  if (sleeping_.load(std::memory_order_seq_cst) > 0) {
    { std::lock_guard lock(mutex_); }  // a worker that is about to sleep has seen the new generation, or is woken
    wake_.notify_all();
  }
  claim(0);
  // Every task is claimed. Close the job, then wait for those still inside: who enters later sees it closed.
  open_.store(false, std::memory_order_seq_cst);
  const auto left = [this] { return inside_.load(std::memory_order_seq_cst) == 0; };
  if (!look(left)) {
    while (!left()) std::this_thread::yield();
  }
}

void ThreadPool::claim(int worker) {
  for (int64_t t; (t = next_.fetch_add(1, std::memory_order_relaxed)) < tasks_;) call_(body_, t, worker);
}

void ThreadPool::work(int worker) {
  become_compute_thread();
  const ZeroDenormals zero;
  uint32_t seen = 0;
  for (;;) {
    if (!look([&] { return generation_.load(std::memory_order_acquire) != seen; })) {
      std::unique_lock lock(mutex_);
      sleeping_.fetch_add(1, std::memory_order_seq_cst);
      wake_.wait(lock, [&] { return generation_.load(std::memory_order_seq_cst) != seen; });
      sleeping_.fetch_sub(1, std::memory_order_seq_cst);
    }
    seen = generation_.load(std::memory_order_acquire);
    if (stop_) return;
    inside_.fetch_add(1, std::memory_order_seq_cst);
    if (open_.load(std::memory_order_seq_cst)) claim(worker);
    inside_.fetch_sub(1, std::memory_order_seq_cst);
  }
}

}  // namespace skipscan
