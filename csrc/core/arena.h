// A bump allocator for workspaces. Memory is sized before work starts: the code that carves the buffers first
// runs on an arena without memory, which only counts, then on one that has exactly that much.
#pragma once
#include <cstddef>
#include <cstdint>

namespace skipscan {

constexpr size_t kAlignment = 64;  // a cache line, and the widest vector

constexpr size_t align_up(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

class Arena {
 public:
  Arena() = default;                                                    // counts only
  explicit Arena(void* base) : base_(static_cast<std::byte*>(base)) {}  // carves; base is 64-byte aligned

  template <class T>
  T* take(int64_t count) {
    T* p = base_ ? reinterpret_cast<T*>(base_ + used_) : nullptr;
    used_ += align_up(size_t(count) * sizeof(T));
    return p;
  }
  size_t used() const { return used_; }

 private:
  std::byte* base_ = nullptr;
  size_t used_ = 0;
};

}  // namespace skipscan
