#include "timer.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace skipscan::bench {
namespace {

constexpr int kWarmUps = 5;
constexpr size_t kCaches = 4;  // how many times the L2 cache is written over

void check(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

void check(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.message);
}

class Event {
 public:
  Event() { check(cudaEventCreate(&handle_)); }
  ~Event() { cudaEventDestroy(handle_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void record(cudaStream_t stream) { check(cudaEventRecord(handle_, stream)); }
  double seconds_since(const Event& start) const {
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, start.handle_, handle_));
    return double(milliseconds) / 1e3;
  }

 private:
  cudaEvent_t handle_ = nullptr;
};

}  // namespace

Timer::Timer(cuda::Stream& stream) : stream_(stream) {
  int bytes = 0;
  check(cudaDeviceGetAttribute(&bytes, cudaDevAttrL2CacheSize, stream.limits().ordinal));
  cache_bytes_ = size_t(bytes);
  check(cudaMalloc(&flushed_, kCaches * cache_bytes_));
}

Timer::~Timer() { cudaFree(flushed_); }

Timing Timer::time(const std::function<Status()>& queue, int rounds) {
  for (int i = 0; i < kWarmUps; ++i) check(queue());
  std::vector<double> seconds;
  Event start, end;
  for (int i = 0; i < rounds; ++i) {
    check(cudaMemsetAsync(flushed_, i, kCaches * cache_bytes_, stream_.handle()));
    start.record(stream_.handle());
    check(queue());
    end.record(stream_.handle());
    check(stream_.wait(nullptr));
    seconds.push_back(end.seconds_since(start));
  }
  std::sort(seconds.begin(), seconds.end());
  return {seconds[seconds.size() / 2], seconds.front(), seconds.back()};
}

}  // namespace skipscan::bench
