// Streams, events, graphs and launches.
#include <chrono>
#include <memory>

#include "simt/api.h"
#include "simt/grid.h"
#include "simt/handles.h"
#include "simt/launch.h"
#include "simt/memory.h"
#include "simt/queue.h"
#include "simt/settings.h"

using simt::call;

struct CUevent_st {
  bool timed;
  cudaStream_t stream = nullptr;  // on which it was recorded
  // Shared with the operation that sets it, which may outlive the event.
  struct Record {
    bool done = true;
    std::chrono::steady_clock::time_point at;
  };
  std::shared_ptr<Record> record = std::make_shared<Record>();
};
struct CUgraph_st {
  simt::Operations operations;
};
struct CUgraphExec_st {
  simt::Operations operations;
};

namespace simt {

Handles<CUstream_st>& streams() {
  static auto& handles = *new Handles<CUstream_st>("a stream");
  return handles;
}

namespace {

Handles<CUevent_st>& events() {
  static auto& handles = *new Handles<CUevent_st>("an event");
  return handles;
}
Handles<CUgraph_st>& graphs() {
  static auto& handles = *new Handles<CUgraph_st>("a graph");
  return handles;
}
Handles<CUgraphExec_st>& executables() {
  static auto& handles = *new Handles<CUgraphExec_st>("an executable graph");
  return handles;
}

cudaError_t check(const Launch& launch) {
  const auto within = [](const dim3& d, unsigned x, unsigned y, unsigned z) {
    return d.x && d.y && d.z && d.x <= x && d.y <= y && d.z <= z;
  };
  const bool right = within(launch.grid, 0x7fffffff, 65535, 65535) && within(launch.block, 1024, 1024, 64) &&
                     launch.block.x * launch.block.y * launch.block.z <= 1024;
  if (!right) return cudaErrorInvalidConfiguration;
  return launch.shared <= settings().shared_limit() ? cudaSuccess : cudaErrorInvalidValue;
}

void run_checked(const Launch& launch) {
  static long launches = 0;
  if (++launches == settings().failing_launch) {
    break_device(cudaErrorIllegalAddress);
    return;
  }
  run(launch);
  check_guards(launch.kernel);
}

// A call that waits for one stream. In a capture it is a mistake whatever the mode.
cudaError_t wait_for(cudaStream_t handle, cudaError_t (*progress)(StreamState&)) {
  return call([&] {
    StreamState& stream = state_of(handle);
    if (!stream.capture) return progress(stream);
    stream.capture->valid = false;
    return cudaErrorStreamCaptureUnsupported;
  });
}

// What waiting for the null stream is.
cudaError_t run_with_blocking(StreamState& stream) {
  const cudaError_t error = submit(stream, [] {});
  return error == cudaSuccess ? run_stream(stream) : error;
}

}  // namespace

cudaError_t enqueue(Launch launch, cudaStream_t stream) {
  return call([&] {
    StreamState& state = state_of(stream);
    if (state.device != current_device()) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t error = check(launch); error != cudaSuccess) return error;
    return submit(state, [launch = std::move(launch)] { run_checked(launch); });
  });
}

}  // namespace simt

// ---- streams

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return call([&] {
    *stream = simt::streams().add({});
    (*stream)->device = simt::current_device();
    (*stream)->blocking = !(flags & cudaStreamNonBlocking);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return call([&] {
    const cudaError_t error = simt::run_stream(*simt::streams().check(stream));
    simt::streams().remove(stream);
    return error;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) { return simt::wait_for(stream, &simt::run_with_blocking); }
cudaError_t cudaStreamQuery(cudaStream_t stream) { return simt::wait_for(stream, &simt::run_one); }

cudaError_t cudaDeviceSynchronize() {
  return call([] {
    const cudaError_t error = simt::refuse_while_capturing();
    return error == cudaSuccess ? simt::run_everything() : error;
  });
}

// ---- events

cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return call([&] {
    *event = simt::events().add({.timed = !(flags & cudaEventDisableTiming)});
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return call([&] {
    simt::events().remove(event);
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return call([&] {
    simt::StreamState& state = simt::state_of(stream);
    const auto record = simt::events().check(event)->record;
    event->stream = stream;
    if (!state.capture) record->done = false;
    return simt::submit(state, [record] { *record = {true, std::chrono::steady_clock::now()}; });
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return call([&] {
    const auto record = simt::events().check(event)->record;
    if (const cudaError_t error = simt::refuse_while_capturing(); error != cudaSuccess) return error;
    const cudaError_t error = record->done ? cudaSuccess : simt::run_one(simt::state_of(event->stream));
    return record->done && error == cudaErrorNotReady ? cudaSuccess : error;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  cudaError_t error;
  do {
    error = cudaEventQuery(event);
  } while (error == cudaErrorNotReady);
  return error;
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return call([&] {
    const CUevent_st &from = *simt::events().check(start), &to = *simt::events().check(end);
    if (!from.timed || !to.timed) return cudaErrorInvalidResourceHandle;
    if (!from.record->done || !to.record->done) return cudaErrorNotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(to.record->at - from.record->at).count();
    return cudaSuccess;
  });
}

// ---- graphs

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return call([&] {
    simt::StreamState& state = simt::state_of(stream);
    if (!stream) return cudaErrorStreamCaptureUnsupported;
    if (state.capture) return cudaErrorIllegalState;
    state.capture = simt::Capture{.mode = mode, .thread = std::this_thread::get_id(), .operations = {}};
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return call([&] {
    *graph = nullptr;
    simt::StreamState& state = simt::state_of(stream);
    if (!state.capture) return cudaErrorIllegalState;
    if (state.capture->mode != cudaStreamCaptureModeRelaxed && state.capture->thread != std::this_thread::get_id()) {
      return cudaErrorStreamCaptureWrongThread;
    }
    const simt::Capture capture = std::move(*state.capture);
    state.capture.reset();
    if (!capture.valid) return cudaErrorStreamCaptureInvalidated;
    *graph = simt::graphs().add({capture.operations});
    return cudaSuccess;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return call([&] {
    const auto& capture = simt::state_of(stream).capture;
    *status = !capture         ? cudaStreamCaptureStatusNone
              : capture->valid ? cudaStreamCaptureStatusActive
                               : cudaStreamCaptureStatusInvalidated;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return call([&] {
    simt::graphs().remove(graph);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  return call([&] {
    *executable = simt::executables().add({simt::graphs().check(graph)->operations});
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return call([&] {
    simt::StreamState& state = simt::state_of(stream);
    for (const simt::Operation& operation : simt::executables().check(executable)->operations) {
      if (const cudaError_t error = simt::submit(state, operation); error != cudaSuccess) return error;
    }
    return cudaSuccess;
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  return call([&] {
    simt::executables().remove(executable);
    return cudaSuccess;
  });
}
