// Owned memory, aligned for vectors.
#pragma once
#include <cstddef>
#include <utility>

#include "core/arena.h"

namespace skipscan {

// Large buffers are pages of their own: they go back to the system when they are freed, which an allocator does not promise,
// and may be huge pages, which weights that are streamed at memory speed gain from.
class Buffer {
 public:
  Buffer() = default;
  // Zeroed. Throws bad_alloc when there is no memory.
  explicit Buffer(size_t bytes);
  ~Buffer();
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  size_t bytes() const { return bytes_; }

  // Gives the memory to somebody who hands it back to adopt(), with the size that was asked for.
  void* release() {
    bytes_ = 0;
    return std::exchange(data_, nullptr);
  }
  static Buffer adopt(void* data, size_t bytes) {
    Buffer buffer;
    buffer.data_ = data;
    buffer.bytes_ = align_up(bytes);
    return buffer;
  }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace skipscan
