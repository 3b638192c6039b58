#include "simt/queue.h"

#include <map>
#include <mutex>

#include "simt/fault.h"
#include "simt/handles.h"
#include "simt/memory.h"
#include "simt/settings.h"

namespace simt {
namespace {

// Never destroyed: threads may still call when the process ends.
struct Machine {
  std::mutex lock;
  std::map<int, StreamState> null_streams;  // by device
  cudaError_t broken = cudaSuccess;
};

Machine& machine() {
  static auto& machine = *new Machine;
  return machine;
}

thread_local cudaError_t last = cudaSuccess;
thread_local int device_of_thread = 0;

cudaError_t remember(cudaError_t error) {
  if (error != cudaSuccess && error != cudaErrorNotReady) last = error;
  return error;
}

template <class Body>
void each_stream(const Body& body) {
  for (auto& [device, stream] : machine().null_streams) body(stream);
  for (CUstream_st* stream : streams().all()) body(*stream);
}

// The null stream waits for blocking streams, and they for it.
void take_turns(const StreamState& stream) {
  StreamState& null_stream = machine().null_streams[stream.device];
  if (&stream == &null_stream) {
    each_stream([&](StreamState& other) {
      if (other.blocking && other.device == stream.device && &other != &stream) run_stream(other);
    });
  } else if (stream.blocking) {
    run_stream(null_stream);
  }
}

bool forbids_waiting(const Capture& capture) {
  switch (capture.mode) {
    case cudaStreamCaptureModeGlobal: return true;
    case cudaStreamCaptureModeThreadLocal: return capture.thread == std::this_thread::get_id();
    default: return false;
  }
}

}  // namespace

cudaError_t call(const std::function<cudaError_t()>& body) {
  return call_without_device([&] {
    if (!settings().driver) return cudaErrorInsufficientDriver;
    if (settings().devices == 0) return cudaErrorNoDevice;
    return machine().broken != cudaSuccess ? machine().broken : body();
  });
}

cudaError_t call_without_device(const std::function<cudaError_t()>& body) {
  const std::lock_guard guard(machine().lock);
  return remember(body());
}

cudaError_t last_error(bool forget) {
  const std::lock_guard guard(machine().lock);
  const cudaError_t error = machine().broken != cudaSuccess ? machine().broken : last;
  if (forget) last = cudaSuccess;
  return error;
}

int current_device() { return device_of_thread; }
void select_device(int device) { device_of_thread = device; }

void break_device(cudaError_t error) {
  machine().broken = error;
  each_stream([](StreamState& stream) { stream.queue.clear(); });
}

cudaError_t submit(StreamState& stream, Operation operation) {
  if (stream.capture) {
    if (!stream.capture->valid) return cudaErrorStreamCaptureInvalidated;
    stream.capture->operations.push_back(std::move(operation));
    return cudaSuccess;
  }
  take_turns(stream);
  stream.queue.push_back(std::move(operation));
  return settings().eager ? run_stream(stream) : machine().broken;
}

cudaError_t run_stream(StreamState& stream) {
  const DeviceAccess access;
  while (!stream.queue.empty()) run_one(stream);
  return machine().broken;
}

cudaError_t run_everything() {
  const DeviceAccess access;
  each_stream([](StreamState& stream) { run_stream(stream); });
  return machine().broken;
}

cudaError_t run_one(StreamState& stream) {
  if (!stream.queue.empty()) {
    const DeviceAccess access;
    const Operation operation = std::move(stream.queue.front());
    stream.queue.pop_front();
    operation();
  }
  if (machine().broken != cudaSuccess) return machine().broken;
  return stream.queue.empty() ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t refuse_while_capturing() {
  cudaError_t error = cudaSuccess;
  for (CUstream_st* stream : streams().all()) {
    if (stream->capture && forbids_waiting(*stream->capture)) {
      stream->capture->valid = false;
      error = cudaErrorStreamCaptureUnsupported;
    }
  }
  return error;
}

StreamState& state_of(cudaStream_t stream) {
  if (stream) return *streams().check(stream);
  StreamState& null_stream = machine().null_streams[current_device()];
  null_stream.device = current_device();
  return null_stream;
}

}  // namespace simt
