// The emulator's own tests: one program whose scenarios are chosen by name (emulator.test.ts runs them).
#pragma once
#include <cstdio>
#include <cstdlib>

#include "simt/cuda_runtime.h"

struct Scenario {
  const char* name;
  void (*body)();
  const Scenario* next;
  static inline const Scenario* first = nullptr;

  Scenario(const char* name, void (*body)()) : name(name), body(body), next(first) { first = this; }
};

#define SCENARIO(name)                                    \
  static void scenario_##name();                          \
  static const Scenario name##_(#name, &scenario_##name); \
  static void scenario_##name()

#define CHECK(condition)                                                   \
  do {                                                                     \
    if (!(condition)) {                                                    \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                        \
    }                                                                      \
  } while (false)

#define CHECK_ERROR(call, expected)                                                                   \
  do {                                                                                                \
    const cudaError_t error_ = (call);                                                                \
    if (error_ != (expected)) {                                                                       \
      std::fprintf(stderr, "%s:%d: %s is %s\n", __FILE__, __LINE__, #call, cudaGetErrorName(error_)); \
      std::exit(1);                                                                                   \
    }                                                                                                 \
  } while (false)
#define CHECK_OK(call) CHECK_ERROR(call, cudaSuccess)

constexpr unsigned kAll = 0xffffffffu;

// Device memory that is freed with its scope.
template <class T>
struct DeviceArray {
  explicit DeviceArray(size_t count) : count(count) { CHECK_OK(cudaMalloc(&data, count * sizeof(T))); }
  ~DeviceArray() { cudaFree(data); }
  DeviceArray(const DeviceArray&) = delete;

  void clear() { CHECK_OK(cudaMemset(data, 0, count * sizeof(T))); }
  // Waits for what is queued on the null stream.
  T operator[](size_t i) const {
    T value;
    CHECK_OK(cudaMemcpy(&value, data + i, sizeof(T), cudaMemcpyDeviceToHost));
    return value;
  }

  T* data = nullptr;
  size_t count;
};

// Page-locked, so that copies wait for their turn.
struct PinnedInt {
  explicit PinnedInt(int value) {
    CHECK_OK(cudaMallocHost(&data, sizeof(int)));
    *data = value;
  }
  ~PinnedInt() { cudaFreeHost(data); }
  PinnedInt(const PinnedInt&) = delete;
  int* data;
};

// A stream that does not wait for the null stream.
struct Stream {
  Stream() { CHECK_OK(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking)); }
  ~Stream() { cudaStreamDestroy(handle); }
  Stream(const Stream&) = delete;
  operator cudaStream_t() const { return handle; }
  cudaStream_t handle;
};
