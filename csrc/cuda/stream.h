// The queue of one model's kernels on one GPU, with the memory that operators share while they run.
#pragma once
#ifdef SKIPSCAN_EMULATED_GPU
#include "simt/cuda_runtime.h"
#else
#include <cuda_runtime_api.h>
#endif

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/status.h"

namespace skipscan::cuda {

class Blas;

constexpr int kLeastCapability = 75;  // what the kernels are written for: Turing and newer

// What kernels choose by.
struct DeviceLimits {
  int ordinal = 0;
  int capability = 0;       // major * 10 + minor: 90 for sm_90
  int multiprocessors = 0;  // "SMs"
  size_t shared_bytes = 0;  // the most that a block can have, dynamic and static together
};

// Memory of the host that the device can copy from and to by itself.
class PinnedMemory {
 public:
  PinnedMemory() = default;
  ~PinnedMemory();
  PinnedMemory(PinnedMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  PinnedMemory& operator=(PinnedMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  static cudaError_t allocate(size_t bytes, PinnedMemory* out);

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

class Stream {
 public:
  // ERR_DEVICE when the device cannot be used, ERR_OUT_OF_MEMORY.
  static Status open(int ordinal, std::unique_ptr<Stream>* out);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaStream_t handle() const { return handle_; }
  const DeviceLimits& limits() const { return limits_; }
  // Makes the device the calling thread's.
  Status use();

  // Device memory for one operator while it runs, 256-byte aligned, not cleared: the next operator's kernels, which are
  // queued behind, get the same. One call for each run of an operator. ERR_OUT_OF_MEMORY.
  Status scratch(size_t bytes, void** out);
  size_t scratch_bytes() const { return scratch_bytes_; }
  // Changes when scratch memory moves: what was recorded before is then stale.
  int scratch_generation() const { return scratch_generation_; }

  // Where kernels report numbers that are not finite (fault.cuh): one word of device memory.
  unsigned long long* fault() const { return fault_; }
  // Waits for everything queued. ERR_ARGUMENT when a kernel has reported a fault; `layer`, unless null, is then that of the
  // params.
  Status wait(int* layer);

  // Copies small host memory to the device, in the order of the queue; the host memory may change at once.
  Status upload(void* to, const void* host, size_t bytes);
  // Copies to the host and waits for it.
  Status download(void* host, const void* from, size_t bytes);
  // While this is set, what is queued is being recorded: uploads are then constants, kept here.
  void keep_constants_in(std::vector<PinnedMemory>* constants) { constants_ = constants; }

  // cuBLASLt, or null: products are then the project's own.
  Blas* blas() const { return blas_.get(); }

  // OK, ERR_OUT_OF_MEMORY, or ERR_DEVICE, which from then on is the answer to everything where the error is one that CUDA
  // never recovers from. From any thread.
  Status status_of(cudaError_t error);

 private:
  Stream();

  cudaStream_t handle_ = nullptr;
  DeviceLimits limits_;
  void* scratch_ = nullptr;
  size_t scratch_bytes_ = 0;
  int scratch_generation_ = 0;
  unsigned long long* fault_ = nullptr;
  PinnedMemory staging_, inbox_;
  size_t staged_ = 0;  // bytes of staging_ that may still be on their way
  std::vector<PinnedMemory>* constants_ = nullptr;
  std::unique_ptr<Blas> blas_;
  std::mutex broken_mutex_;
  Status broken_;
};

}  // namespace skipscan::cuda
