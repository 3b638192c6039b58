// How long a GPU takes for what is queued on a stream.
#pragma once
#include <functional>

#include "core/status.h"
#include "cuda/stream.h"

namespace skipscan::bench {

struct Timing {
  double median = 0, least = 0, most = 0;  // seconds
};

class Timer {
 public:
  // Throws std::runtime_error.
  explicit Timer(cuda::Stream& stream);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Runs it several times, then `rounds` times between two events. Before each of these more is written than the L2 cache
  // holds: inputs come from device memory, and the host queues the work before the GPU is there. Throws std::runtime_error.
  Timing time(const std::function<Status()>& queue, int rounds = 30);

  size_t cache_bytes() const { return cache_bytes_; }

 private:
  cuda::Stream& stream_;
  void* flushed_ = nullptr;
  size_t cache_bytes_ = 0;
};

}  // namespace skipscan::bench
