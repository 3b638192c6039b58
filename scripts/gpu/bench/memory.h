// The tensors of a benchmark problem, in host memory for the reference or on the GPU: both hold the same numbers.
#pragma once
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/elements.h"

namespace skipscan::bench {

struct OutOfDeviceMemory : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What a problem allocates, in order: the i-th random tensor is the same wherever it is. All of it is freed together.
class Memory {
 public:
  enum class Place { host, device };
  explicit Memory(Place place) : place_(place) {}
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // Numbers from [low, high), rounded to `dtype`. The host holds them as float32, which is what the reference computes with.
  // From about a million on they repeat. Throws OutOfDeviceMemory.
  Elements random(DType dtype, int64_t count, float low, float high);
  const float* floats(int64_t count, float low, float high) { return random(DType::f32, count, low, high).f32(); }
  const int32_t* ints(const std::vector<int32_t>& values);
  const double* doubles(const std::vector<double>& values);
  // A tensor to be written, full of NaN (of -1, if i32).
  Elements output(DType dtype, int64_t count);

  // What an output holds, as float32.
  std::vector<float> read(Elements tensor, int64_t count) const;

 private:
  struct Block;

  DType stored(DType dtype) const { return place_ == Place::host && dtype != DType::i32 ? DType::f32 : dtype; }
  void* allocate(size_t bytes);
  void* filled(size_t bytes, const void* pattern, size_t pattern_bytes);

  Place place_;
  uint32_t seed_ = 0;
  std::vector<void*> blocks_;
};

}  // namespace skipscan::bench
