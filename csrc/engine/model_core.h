// What a model of any kind has besides its weights: its device, its threads, and the memory of its forward passes.
#pragma once
#include <atomic>
#include <mutex>
#include <optional>
#include <vector>

#include "core/arena.h"
#include "ops/device.h"

namespace skipscan {

class ModelCore {
 public:
  // Of the host's memory, a larger workspace is given back after the call that needed it. A GPU's is kept: allocating there
  // is slow, and recordings have its address.
  static constexpr size_t kKeptWorkspace = size_t(32) << 20;

  // The device is the model's own: nobody else uses its queue. `threads` are those of the CPU, the caller's included.
  ModelCore(std::shared_ptr<Device> device, int threads) : device_(std::move(device)), pool_(threads) {}

  Device& device() const { return *device_; }
  const std::shared_ptr<Device>& shared_device() const { return device_; }
  ThreadPool& pool() { return pool_; }
  // One pass at a time; lib/ queues calls, so nobody waits here for long.
  std::mutex& mutex() { return mutex_; }
  // What activations are held in, where matrices have this dtype.
  DType activations(DType weights) const { return device_->backend().half_activations ? weights : DType::f32; }

  // Runs a pass: run(carve), where carve(arena) makes its workspace. It is carved twice, once to count.
  template <class Carve, class Run>
  Status run(const Carve& carve, const Run& run) {
    SKIPSCAN_TRY(device_->use());
    Arena count;
    (void)carve(count);
    SKIPSCAN_TRY(reserve(count.used()));
    count_workspace();
    Arena arena(workspace_.as<void>());
    try {
      auto workspace = carve(arena);
      Status status = run(workspace);
      end_run(status.ok());
      return status;
    } catch (...) {
      end_run(false);
      throw;
    }
  }

  size_t workspace_bytes() const { return workspace_bytes_.load(std::memory_order_relaxed); }

  // Measures the operators of all passes from here on, until the rows are asked for.
  void start_profile() {
    std::lock_guard lock(mutex_);
    device_->measure_with(&profile_.emplace(*device_));
  }
  std::vector<Profile::Row> end_profile() {
    std::lock_guard lock(mutex_);
    device_->measure_with(nullptr);
    std::vector<Profile::Row> rows;
    if (profile_) rows = profile_->rows();
    profile_.reset();
    return rows;
  }

 private:
  void end_run(bool ok) {
    // What a pass had queued before it failed still writes to the workspace and the state, and may find faults that are not
    // the next pass's.
    if (!ok) (void)device_->wait(nullptr);
    if (device_->is_host() && workspace_.bytes() > kKeptWorkspace) workspace_.reset();
    count_workspace();
  }
  Status reserve(size_t bytes) {
    if (workspace_.bytes() >= bytes) return {};
    workspace_.reset();  // the old one goes first
    return Memory::allocate(device_, bytes, &workspace_);
  }
  void count_workspace() { workspace_bytes_ = workspace_.bytes() + pool_.scratch_bytes() + device_->scratch_bytes(); }

  const std::shared_ptr<Device> device_;
  ThreadPool pool_;
  std::mutex mutex_;
  Memory workspace_;
  std::atomic<size_t> workspace_bytes_{0};
  std::optional<Profile> profile_;
};

}  // namespace skipscan
