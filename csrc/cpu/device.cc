#include "cpu/device.h"

#include <cstring>
#include <new>

#include "core/buffer.h"

namespace skipscan::cpu {
namespace {

class CpuDevice final : public Device {
 public:
  CpuDevice(const Backend& backend, bool bf16_inputs) : backend_(backend), bf16_inputs_(bf16_inputs) {}

  const Backend& backend() const override { return backend_; }
  bool is_host() const override { return true; }
  ExecContext context(ThreadPool& pool) override {
    return {.pool = pool, .bf16_inputs = bf16_inputs_, .profile = profile()};
  }

  Status allocate(size_t bytes, void** out) override {
    try {
      *out = Buffer(bytes).release();
      return {};
    } catch (const std::bad_alloc&) {
      return fail(Code::out_of_memory, "The system had no memory left for " + std::to_string(bytes) +
                                           " bytes. Use a shorter prompt, a smaller model or dispose models and "
                                           "sessions that are no longer needed.");
    }
  }
  void release(void* memory, size_t bytes) noexcept override { Buffer::adopt(memory, bytes); }

  Status write(void* to, const void* host, size_t bytes) override { return copy(to, host, bytes); }
  Status read(void* host, const void* from, size_t bytes) override { return copy(host, from, bytes); }
  Status duplicate(void* to, const void* from, size_t bytes) override { return copy(to, from, bytes); }

  Status use() override { return {}; }
  Status upload(void* to, const void* host, size_t bytes) override { return copy(to, host, bytes); }
  Status download(void* host, const void* from, size_t bytes) override { return copy(host, from, bytes); }
  Status copy(void* to, const void* from, size_t bytes) override {
    if (bytes > 0) std::memcpy(to, from, bytes);
    return {};
  }
  Status clear(void* at, size_t bytes) override {
    if (bytes > 0) std::memset(at, 0, bytes);
    return {};
  }
  Status wait(int*) override { return {}; }
  Status queue(const std::string&, const std::function<Status()>& work) override { return work(); }
  size_t scratch_bytes() const override { return 0; }

 private:
  const Backend& backend_;
  const bool bf16_inputs_;
};

}  // namespace

std::shared_ptr<Device> open(const Backend& backend, bool bf16_inputs) {
  return std::make_shared<CpuDevice>(backend, bf16_inputs);
}

}  // namespace skipscan::cpu
