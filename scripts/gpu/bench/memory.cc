#include "memory.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace skipscan::bench {
namespace {

constexpr int64_t kPeriod = 1048573;  // a prime, so that rows do not repeat

// Numbers in [0, 1): a multiplicative hash of the index (splitmix64's mixing).
float uniform(uint64_t i) {
  i = (i + 1) * 0x9e3779b97f4a7c15;
  i = (i ^ (i >> 30)) * 0xbf58476d1ce4e5b9;
  i = (i ^ (i >> 27)) * 0x94d049bb133111eb;
  return float((i ^ (i >> 31)) >> 40) * 0x1p-24f;
}

float rounded(DType dtype, float x) {
  return dtype == DType::bf16 ? to_float(to_bf16(x)) : dtype == DType::f16 ? to_float(to_f16(x)) : x;
}

// float32 values as elements of another dtype.
std::vector<std::byte> encode(DType dtype, const std::vector<float>& values) {
  std::vector<std::byte> bytes(values.size() * size_of(dtype));
  for (size_t i = 0; i < values.size(); ++i) {
    std::byte* p = bytes.data() + i * size_of(dtype);
    switch (dtype) {
      case DType::bf16: *reinterpret_cast<bf16*>(p) = to_bf16(values[i]); break;
      case DType::f16: *reinterpret_cast<f16*>(p) = to_f16(values[i]); break;
      case DType::i32: *reinterpret_cast<int32_t*>(p) = int32_t(values[i]); break;
      default: *reinterpret_cast<float*>(p) = values[i];
    }
  }
  return bytes;
}

void check(cudaError_t error) {
  if (error == cudaErrorMemoryAllocation) throw OutOfDeviceMemory("not enough device memory");
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

}  // namespace

Memory::~Memory() {
  for (void* block : blocks_) {
    if (place_ == Place::host) {
      std::free(block);
    } else {
      cudaFree(block);
    }
  }
}

void* Memory::allocate(size_t bytes) {
  void* block = nullptr;
  const size_t size = (std::max<size_t>(bytes, 1) + 255) / 256 * 256;
  if (place_ == Place::host) {
    block = std::aligned_alloc(256, size);
    if (!block) throw std::bad_alloc();
  } else if (const cudaError_t error = cudaMalloc(&block, size); error != cudaSuccess) {
    cudaGetLastError();  // or the next call reports it again
    check(error);
  }
  blocks_.push_back(block);
  return block;
}

// New memory with the pattern repeated to its end.
void* Memory::filled(size_t bytes, const void* pattern, size_t pattern_bytes) {
  auto* const base = static_cast<std::byte*>(allocate(bytes));
  const auto kind = place_ == Place::host ? cudaMemcpyHostToHost : cudaMemcpyHostToDevice;
  for (size_t done = 0; done < bytes; done += pattern_bytes) {
    const size_t size = std::min(pattern_bytes, bytes - done);
    if (place_ == Place::host) {
      std::memcpy(base + done, pattern, size);
    } else if (done == 0) {
      check(cudaMemcpy(base, pattern, size, kind));
    } else {
      check(cudaMemcpy(base + done, base, size, cudaMemcpyDeviceToDevice));
    }
  }
  return base;
}

Elements Memory::random(DType dtype, int64_t count, float low, float high) {
  std::vector<float> values(size_t(std::min(count, kPeriod)));
  const uint64_t start = uint64_t(seed_++) << 32;
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = rounded(dtype, low + (high - low) * uniform(start + i));
  }
  const std::vector<std::byte> bytes = encode(stored(dtype), values);
  return {filled(size_t(count) * size_of(stored(dtype)), bytes.data(), bytes.size()), stored(dtype)};
}

const int32_t* Memory::ints(const std::vector<int32_t>& values) {
  const size_t bytes = values.size() * sizeof(int32_t);
  return static_cast<const int32_t*>(filled(bytes, values.data(), bytes));
}

const double* Memory::doubles(const std::vector<double>& values) {
  const size_t bytes = values.size() * sizeof(double);
  return static_cast<const double*>(filled(bytes, values.data(), bytes));
}

Elements Memory::output(DType dtype, int64_t count) {
  const unsigned char ones[4] = {255, 255, 255, 255};  // a NaN in every float dtype
  return {filled(size_t(count) * size_of(stored(dtype)), ones, sizeof ones), stored(dtype)};
}

std::vector<float> Memory::read(Elements tensor, int64_t count) const {
  std::vector<std::byte> bytes(size_t(count) * size_of(tensor.dtype));
  if (place_ == Place::host) {
    std::memcpy(bytes.data(), tensor.data, bytes.size());
  } else {
    check(cudaMemcpy(bytes.data(), tensor.data, bytes.size(), cudaMemcpyDeviceToHost));
  }
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    const std::byte* p = bytes.data() + i * size_of(tensor.dtype);
    switch (tensor.dtype) {
      case DType::bf16: values[i] = to_float(*reinterpret_cast<const bf16*>(p)); break;
      case DType::f16: values[i] = to_float(*reinterpret_cast<const f16*>(p)); break;
      case DType::i32: values[i] = float(*reinterpret_cast<const int32_t*>(p)); break;
      default: values[i] = *reinterpret_cast<const float*>(p);
    }
  }
  return values;
}

}  // namespace skipscan::bench
