// Where a model or an operator computes: memory, copies, and what its kernels run on. The CPU does everything at once. A GPU
// works through its queue in order while the host goes on: only download() and wait() wait for it.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "ops/backend.h"

namespace skipscan {

class Device {
 public:
  virtual ~Device() = default;

  virtual const Backend& backend() const = 0;
  // Whether its memory is the host's, so that pointers to it may be followed.
  virtual bool is_host() const = 0;
  virtual ExecContext context(ThreadPool& pool) = 0;

  // ---- memory, from any thread and at once

  // Cleared; null for 0 bytes. ERR_OUT_OF_MEMORY.
  virtual Status allocate(size_t bytes, void** out) = 0;
  virtual void release(void* memory, size_t bytes) noexcept = 0;
  virtual Status write(void* to, const void* host, size_t bytes) = 0;
  virtual Status read(void* host, const void* from, size_t bytes) = 0;
  virtual Status duplicate(void* to, const void* from, size_t bytes) = 0;

  // ---- the queue: one thread at a time, after use()

  virtual Status use() = 0;

  // The host's memory may change as soon as upload() has returned. Small sizes.
  virtual Status upload(void* to, const void* host, size_t bytes) = 0;
  virtual Status download(void* host, const void* from, size_t bytes) = 0;
  virtual Status copy(void* to, const void* from, size_t bytes) = 0;
  virtual Status clear(void* at, size_t bytes) = 0;
  // Waits until the queue is empty. What kernels found wrong meanwhile becomes an error; `layer` is then that of the params.
  virtual Status wait(int* layer) = 0;
  // Queues what `work` queues. Work with the same key queues the same every time, so that a device may record it and play it
  // back without calling `work`; an empty key means that it must be called.
  virtual Status queue(const std::string& key, const std::function<Status()>& work) = 0;
  // Bytes of memory besides allocate()'s: what operators share while they run.
  virtual size_t scratch_bytes() const = 0;

  // What contexts measure operators with from now on; null: nothing. Nothing is played back meanwhile.
  void measure_with(Profile* profile) { profile_ = profile; }

 protected:
  Profile* profile() const { return profile_; }

 private:
  Profile* profile_ = nullptr;
};

// The values of elements that are on a device, in the order of its queue.
Status download_floats(Device& device, float* to, ConstElements from, int64_t count);

// Owned memory of a device.
class Memory {
 public:
  Memory() = default;
  ~Memory() { reset(); }
  Memory(Memory&& other) noexcept
      : device_(std::move(other.device_)),
        data_(std::exchange(other.data_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)) {}
  Memory& operator=(Memory&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  static Status allocate(std::shared_ptr<Device> device, size_t bytes, Memory* out) {
    Memory memory;
    SKIPSCAN_TRY(device->allocate(bytes, &memory.data_));
    memory.bytes_ = bytes;
    memory.device_ = std::move(device);
    *out = std::move(memory);
    return {};
  }
  void reset() {
    if (data_) device_->release(data_, bytes_);
    data_ = nullptr;
    bytes_ = 0;
    device_.reset();
  }

  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  size_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<Device> device_;
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace skipscan
