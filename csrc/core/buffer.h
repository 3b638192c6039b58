// Owned memory, aligned for vectors.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "core/arena.h"

namespace skipscan {

class Buffer {
 public:
  enum class Fill { zeros, none };

  Buffer() = default;
  // Throws bad_alloc when there is no memory.
  explicit Buffer(size_t bytes, Fill fill = Fill::zeros) : bytes_(align_up(bytes)) {
    if (bytes_ == 0) return;
    data_.reset(std::aligned_alloc(kAlignment, bytes_));
    if (!data_) throw std::bad_alloc();
    if (fill == Fill::zeros) std::memset(data_.get(), 0, bytes_);
  }

  template <class T>
  T* as() const {
    return static_cast<T*>(data_.get());
  }
  size_t bytes() const { return data_ ? bytes_ : 0; }

 private:
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::unique_ptr<void, Free> data_;
  size_t bytes_ = 0;
};

}  // namespace skipscan
