// Graphs record work and replay it, and a capture forbids what CUDA says it does.
#include <thread>

#include "simt/emulator/scenario.h"

__global__ void add_once(int* x, int by) { *x += by; }
__global__ void nothing_at_all() {}

SCENARIO(graphs) {
  Stream stream;
  DeviceArray<int> x(1);
  x.clear();
  PinnedInt up(1), down(0);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  cudaStreamCaptureStatus status;
  CHECK_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  CHECK_OK(cudaStreamIsCapturing(stream, &status));
  CHECK(status == cudaStreamCaptureStatusActive);
  CHECK_OK(cudaMemcpyAsync(x.data, up.data, 4, cudaMemcpyHostToDevice, stream));
  CHECK_OK(simt::launch(add_once, 1, 1, 0, stream, x.data, 10));
  CHECK_OK(cudaMemcpyAsync(down.data, x.data, 4, cudaMemcpyDeviceToHost, stream));
  CHECK_OK(cudaStreamEndCapture(stream, &graph));
  CHECK_OK(cudaGraphInstantiate(&executable, graph));
  CHECK_OK(cudaGraphDestroy(graph));
  CHECK_OK(cudaStreamSynchronize(stream));
  CHECK(x[0] == 0 && *down.data == 0);  // recorded, not run
  for (int value = 2; value < 4; ++value) {
    *up.data = value;
    CHECK_OK(cudaGraphLaunch(executable, stream));
    CHECK_OK(cudaStreamSynchronize(stream));
    CHECK(*down.data == value + 10);
  }
  CHECK_OK(cudaGraphLaunch(executable, stream));
  CHECK_OK(cudaGraphExecDestroy(executable));  // what is queued still runs
  CHECK_OK(cudaMemsetAsync(x.data, 0, 4, stream));
  CHECK_OK(cudaStreamSynchronize(stream));
  CHECK(*down.data == 13 && x[0] == 0);
}

// What a capture forbids, which ends it without a graph.
template <class Call>
void check_forbidden(cudaStreamCaptureMode mode, const Call& call) {
  Stream stream;
  cudaGraph_t graph = nullptr;
  cudaStreamCaptureStatus status;
  CHECK_OK(cudaStreamBeginCapture(stream, mode));
  CHECK_OK(simt::launch(nothing_at_all, 1, 1, 0, stream));
  CHECK_ERROR(call(stream), cudaErrorStreamCaptureUnsupported);
  CHECK_OK(cudaStreamIsCapturing(stream, &status));
  CHECK(status == cudaStreamCaptureStatusInvalidated);
  CHECK_ERROR(simt::launch(nothing_at_all, 1, 1, 0, stream), cudaErrorStreamCaptureInvalidated);
  CHECK_ERROR(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
  CHECK(!graph);
  CHECK_OK(simt::launch(nothing_at_all, 1, 1, 0, stream));
}

SCENARIO(captures_forbid_waiting) {
  DeviceArray<int> x(1);
  void* p = nullptr;
  int host;
  const auto allocate = [&](cudaStream_t) { return cudaMalloc(&p, 4); };
  check_forbidden(cudaStreamCaptureModeGlobal, allocate);
  check_forbidden(cudaStreamCaptureModeThreadLocal, allocate);
  check_forbidden(cudaStreamCaptureModeGlobal, [&](cudaStream_t) { return cudaFree(x.data); });
  check_forbidden(cudaStreamCaptureModeGlobal, [&](cudaStream_t) { return cudaMallocHost(&p, 4); });
  check_forbidden(cudaStreamCaptureModeGlobal, [&](cudaStream_t) { return cudaDeviceSynchronize(); });
  check_forbidden(cudaStreamCaptureModeGlobal,
                  [&](cudaStream_t) { return cudaMemcpy(&host, x.data, 4, cudaMemcpyDeviceToHost); });
  check_forbidden(cudaStreamCaptureModeRelaxed, [](cudaStream_t stream) { return cudaStreamSynchronize(stream); });
  check_forbidden(cudaStreamCaptureModeRelaxed, [](cudaStream_t stream) { return cudaStreamQuery(stream); });
}

SCENARIO(captures_are_of_a_thread) {
  Stream stream;
  cudaGraph_t graph = nullptr;
  CHECK_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  CHECK_ERROR(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaErrorIllegalState);
  std::thread([&] {
    CHECK_ERROR(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureWrongThread);
    CHECK_OK(cudaDeviceSynchronize());
  }).join();
  CHECK_OK(cudaStreamEndCapture(stream, &graph));
  CHECK_OK(cudaGraphDestroy(graph));
  CHECK_ERROR(cudaStreamEndCapture(stream, &graph), cudaErrorIllegalState);

  CHECK_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
  DeviceArray<int> allocated(1);
  CHECK_OK(cudaStreamEndCapture(stream, &graph));
  CHECK_OK(cudaGraphDestroy(graph));
}
