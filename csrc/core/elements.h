// Elements in memory whose dtype is known at run time: the activations of operators. They are float32 on the CPU; a GPU
// computes with bf16 and f16 ones too.
#pragma once
#include <cstddef>

#include "core/arena.h"
#include "core/dtype.h"

namespace skipscan {

struct Elements {
  void* data = nullptr;
  DType dtype = DType::f32;

  Elements() = default;
  Elements(float* values) : data(values) {}
  Elements(void* data, DType dtype) : data(data), dtype(dtype) {}

  Elements operator+(int64_t count) const {
    return {static_cast<std::byte*>(data) + count * int64_t(size_of(dtype)), dtype};
  }
  explicit operator bool() const { return data != nullptr; }
  // For code that has made sure of the dtype, as kernels do by what they support.
  float* f32() const { return static_cast<float*>(data); }
  operator float*() const { return f32(); }
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
};

struct ConstElements {
  const void* data = nullptr;
  DType dtype = DType::f32;

  ConstElements() = default;
  ConstElements(const float* values) : data(values) {}
  ConstElements(const void* data, DType dtype) : data(data), dtype(dtype) {}
  ConstElements(Elements e) : data(e.data), dtype(e.dtype) {}

  ConstElements operator+(int64_t count) const {
    return {static_cast<const std::byte*>(data) + count * int64_t(size_of(dtype)), dtype};
  }
  explicit operator bool() const { return data != nullptr; }
  const float* f32() const { return static_cast<const float*>(data); }
  operator const float*() const { return f32(); }
  template <class T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
};

// Elements from an arena.
inline Elements take(Arena& arena, DType dtype, int64_t count) {
  return {arena.take<std::byte>(count * int64_t(size_of(dtype))), dtype};
}

}  // namespace skipscan
