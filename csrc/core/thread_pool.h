// Threads for one model. Work is claimed task by task from a shared counter, so a worker that the system has
// paused never holds up the others; idle workers look out for some microseconds (the next operator is usually
// that near), then sleep.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace skipscan {

class ThreadPool {
 public:
  // The caller is one of them: threads - 1 are started. Throws system_error when the system does not start so many, and bad_alloc.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return int(scratch_.size()); }

  // Calls body(task, worker) for every task in [0, tasks), 0 <= worker < threads(), and returns when all are
  // done. Numbers below 2^-126 are zero in the body (denormals.h). The body must not throw and must not call parallel_for. One
  // caller at a time.
  template <class Body>
  void parallel_for(int64_t tasks, const Body& body) {
    run(
        tasks, [](const void* b, int64_t task, int worker) { (*static_cast<const Body*>(b))(task, worker); }, &body);
  }

  // Makes sure that scratch(w) has this many bytes for every worker. Call it outside parallel_for; it may
  // throw bad_alloc.
  void reserve_scratch(size_t bytes);
  // 64-byte aligned memory of one worker; what it holds is lost between calls of parallel_for.
  template <class T>
  T* scratch(int worker) const {
    return reinterpret_cast<T*>(scratch_[size_t(worker)].data);
  }
  // The same for memory that all workers share, which keeps what it holds until the operator has ended.
  void reserve_shared(size_t bytes);
  template <class T>
  T* shared() const {
    return reinterpret_cast<T*>(shared_.data);
  }
  size_t scratch_bytes() const { return scratch_bytes_ * scratch_.size() + shared_bytes_; }

 private:
  using Call = void (*)(const void* body, int64_t task, int worker);
  struct Scratch {
    std::byte* data = nullptr;

    void resize(size_t bytes);  // what it held is lost
  };

  void stop();
  void run(int64_t tasks, Call call, const void* body);
  void work(int worker);
  void claim(int worker);

  std::vector<std::thread> workers_;
  std::vector<Scratch> scratch_;
  Scratch shared_;
  size_t scratch_bytes_ = 0, shared_bytes_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint32_t> generation_{0};  // one more for every run(), and once more to stop
  std::atomic<int> sleeping_{0};
  std::atomic<bool> stop_{false};
  // The job in progress. A worker counts itself in before it looks whether the job is open, and run() closes
  // the job before it waits for the count to fall to zero: so a late riser never touches a job that has
  // ended.
  Call call_ = nullptr;
  const void* body_ = nullptr;
  int64_t tasks_ = 0;
  std::atomic<int64_t> next_{0};
  std::atomic<int> inside_{0};
  std::atomic<bool> open_{false};
};

}  // namespace skipscan
