// The machine: one lock, and a queue of work for each stream, which runs when the host waits for that stream,
// and no earlier: an order that hardware could have chosen too, and one in which every wait that is missing
// shows.
#pragma once
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <thread>

#include "simt/types.h"

namespace simt {

using Operation = std::function<void()>;
using Operations = std::list<Operation>;

struct Capture {
  cudaStreamCaptureMode mode;
  std::thread::id thread;
  bool valid = true;
  Operations operations;
};

// Runs the body of a function of the API: one at a time, not at all once the device is broken, and
// remembering errors as cudaGetLastError() reports them.
cudaError_t call(const std::function<cudaError_t()>& body);
// The same for functions that work without a device.
cudaError_t call_without_device(const std::function<cudaError_t()>& body);
cudaError_t last_error(bool forget);

// Of the calling thread.
int current_device();
void select_device(int device);

// ---- within call()

// From now on the answer to everything.
void break_device(cudaError_t error);

// A stream of the emulated GPU; CUDA's null stream is one too, which takes turns with those that are
// `blocking`.
struct StreamState {
  int device = 0;
  bool blocking = true;
  Operations queue;
  std::optional<Capture> capture;
};
// The stream behind a handle; fails where it does not exist.
StreamState& state_of(cudaStream_t stream);

// Runs an operation when its turn comes, or records it where the stream is capturing.
cudaError_t submit(StreamState& stream, Operation operation);
// Runs all that the stream holds, or what all streams of all devices hold; the result is the error that broke
// the device, if one did.
cudaError_t run_stream(StreamState& stream);
cudaError_t run_everything();
// Runs the oldest operation, so that hosts that poll get on. cudaErrorNotReady while there are more.
cudaError_t run_one(StreamState& stream);

// cudaErrorStreamCaptureUnsupported where a capture forbids calls that wait for everything or allocate; the
// capture is then invalid.
cudaError_t refuse_while_capturing();

}  // namespace simt

struct CUstream_st : simt::StreamState {};
