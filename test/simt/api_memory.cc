// Device memory, page-locked memory, and copies.
#include <cstring>
#include <memory>
#include <vector>

#include "simt/api.h"
#include "simt/memory.h"
#include "simt/queue.h"
#include "simt/settings.h"

using simt::call;

namespace {

// Rows of `width` bytes, `*_pitch` bytes apart; a plain copy is one row.
struct Copy {
  char* to;
  size_t to_pitch;
  const char* from;
  size_t from_pitch, width, height;

  size_t to_extent() const { return height ? (height - 1) * to_pitch + width : 0; }
  size_t from_extent() const { return height ? (height - 1) * from_pitch + width : 0; }
  bool empty() const { return width == 0 || height == 0; }
  void run() const {
    for (size_t row = 0; row < height; ++row) std::memcpy(to + row * to_pitch, from + row * from_pitch, width);
  }
};

bool is_place(const void* p, size_t bytes, bool on_device) {
  return on_device ? simt::in_device_memory(p, bytes) : !simt::in_device_memory(p);
}

cudaError_t check(const Copy& copy, cudaMemcpyKind kind) {
  if (copy.empty()) return cudaSuccess;
  if (copy.height > 1 && (copy.to_pitch < copy.width || copy.from_pitch < copy.width))
    return cudaErrorInvalidPitchValue;
  if (kind == cudaMemcpyDefault) {
    kind = cudaMemcpyKind((simt::in_device_memory(copy.from) ? 2 : 0) | (simt::in_device_memory(copy.to) ? 1 : 0));
  }
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  const bool right = copy.to && copy.from && is_place(copy.to, copy.to_extent(), to_device) &&
                     is_place(copy.from, copy.from_extent(), from_device);
  return right ? cudaSuccess : cudaErrorInvalidValue;
}

// Host memory that is not page-locked is read, or has been written, when the call returns; a graph uses it
// when it runs.
cudaError_t submit_copy(const Copy& copy, simt::StreamState& stream) {
  const bool in_graph = stream.capture.has_value();
  const auto pageable = [&](const char* p, size_t bytes) {
    return !in_graph && !simt::in_device_memory(p) && !simt::in_pinned_memory(p, bytes);
  };
  if (pageable(copy.from, copy.from_extent())) {
    Copy staged = copy;
    const auto bytes = std::make_shared<std::vector<char>>(copy.from, copy.from + copy.from_extent());
    staged.from = bytes->data();
    return simt::submit(stream, [staged, bytes] { staged.run(); });
  }
  const cudaError_t error = simt::submit(stream, [copy] { copy.run(); });
  return error == cudaSuccess && pageable(copy.to, copy.to_extent()) ? simt::run_stream(stream) : error;
}

cudaError_t copy_now(const Copy& copy, cudaMemcpyKind kind) {
  return call([&] {
    if (const cudaError_t error = simt::refuse_while_capturing(); error != cudaSuccess) return error;
    if (const cudaError_t error = check(copy, kind); error != cudaSuccess || copy.empty()) return error;
    simt::StreamState& stream = simt::state_of(nullptr);
    const cudaError_t error = submit_copy(copy, stream);
    return error == cudaSuccess ? simt::run_stream(stream) : error;
  });
}

cudaError_t copy_later(const Copy& copy, cudaMemcpyKind kind, cudaStream_t stream) {
  return call([&] {
    const cudaError_t error = check(copy, kind);
    return error != cudaSuccess || copy.empty() ? error : submit_copy(copy, simt::state_of(stream));
  });
}

cudaError_t allocate(void** memory, void* (*take)(size_t), size_t bytes) {
  return call([&] {
    if (!memory) return cudaErrorInvalidValue;
    *memory = nullptr;
    if (const cudaError_t error = simt::refuse_while_capturing(); error != cudaSuccess || bytes == 0) return error;
    *memory = take(bytes);
    return *memory ? cudaSuccess : cudaErrorMemoryAllocation;
  });
}

// What is queued may still use the memory.
cudaError_t release(void* memory, bool (*give_back)(void*)) {
  return call([&] {
    if (!memory) return cudaSuccess;
    if (const cudaError_t error = simt::refuse_while_capturing(); error != cudaSuccess) return error;
    if (const cudaError_t error = simt::run_everything(); error != cudaSuccess) return error;
    return give_back(memory) ? cudaSuccess : cudaErrorInvalidValue;
  });
}

}  // namespace

cudaError_t cudaMalloc(void** memory, size_t bytes) {
  return allocate(
      memory, [](size_t size) { return simt::allocate(size, simt::current_device()); }, bytes);
}
cudaError_t cudaFree(void* memory) { return release(memory, &simt::release_memory); }

cudaError_t cudaHostAlloc(void** memory, size_t bytes, unsigned) {
  return allocate(memory, &simt::allocate_pinned, bytes);
}
cudaError_t cudaMallocHost(void** memory, size_t bytes) { return allocate(memory, &simt::allocate_pinned, bytes); }
cudaError_t cudaFreeHost(void* memory) { return release(memory, &simt::release_pinned); }

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return copy_now({static_cast<char*>(to), bytes, static_cast<const char*>(from), bytes, bytes, 1}, kind);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return copy_later({static_cast<char*>(to), bytes, static_cast<const char*>(from), bytes, bytes, 1}, kind, stream);
}

cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                              size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
  return copy_later({static_cast<char*>(to), to_pitch, static_cast<const char*>(from), from_pitch, width, height}, kind,
                    stream);
}

cudaError_t cudaMemset(void* memory, int value, size_t bytes) {
  const cudaError_t error = call([&] { return simt::refuse_while_capturing(); });
  return error == cudaSuccess ? cudaMemsetAsync(memory, value, bytes) : error;
}

cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream) {
  return call([&] {
    if (bytes == 0) return cudaSuccess;
    if (!simt::in_device_memory(memory, bytes)) return cudaErrorInvalidValue;
    return simt::submit(simt::state_of(stream), [=] { std::memset(memory, value, bytes); });
  });
}
