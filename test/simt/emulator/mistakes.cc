// Kernels with one mistake each, which the emulator, or a sanitizer, has to find.
#include "simt/emulator/scenario.h"

namespace {

template <class... Params, class... Args>
void run(void (*kernel)(Params...), dim3 grid, dim3 block, Args... args) {
  CHECK_OK(simt::launch(kernel, grid, block, 0, nullptr, args...));
  CHECK_OK(cudaDeviceSynchronize());
}

}  // namespace

// ---- device memory

__global__ void write_at(char* p, int i) { p[i] = 1; }
__global__ void read_at(char* p, int i) { p[0] = p[i]; }

SCENARIO(write_past_the_end) { run(write_at, 1, 1, DeviceArray<char>(100).data, 100); }
SCENARIO(read_past_the_end) { run(read_at, 1, 1, DeviceArray<char>(100).data, 100); }
SCENARIO(write_far_away) { run(write_at, 1, 1, DeviceArray<char>(100).data, 1 << 30); }

SCENARIO(host_reads_device_memory) {
  DeviceArray<int> x(1);
  x.clear();
  CHECK_OK(cudaDeviceSynchronize());
  CHECK(*static_cast<volatile int*>(x.data) == 0);
}

SCENARIO(kernel_uses_freed_memory) {
  char* p = nullptr;
  CHECK_OK(cudaMalloc(&p, 100));
  CHECK_OK(cudaFree(p));
  run(write_at, 1, 1, p, 0);
}

SCENARIO(graph_uses_freed_memory) {
  cudaStream_t stream;
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  char* p = nullptr;
  CHECK_OK(cudaMalloc(&p, 100));
  CHECK_OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  CHECK_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  CHECK_OK(simt::launch(write_at, 1, 1, 0, stream, p, 0));
  CHECK_OK(cudaStreamEndCapture(stream, &graph));
  CHECK_OK(cudaGraphInstantiate(&executable, graph));
  CHECK_OK(cudaFree(p));
  CHECK_OK(cudaGraphLaunch(executable, stream));
  CHECK_OK(cudaStreamSynchronize(stream));
}

// ---- shared memory

__global__ void write_shared_at(int i) {
  SKIPSCAN_SHARED(char, x, [100]);
  SKIPSCAN_SHARED(char, y, [100]);
  char* const p = x;
  p[i] = 1;
  y[0] = 1;
}
__global__ void read_dynamic_at(char* y, int i) {
  SKIPSCAN_DYNAMIC_SHARED(char, x);
  *y = x[i];
}
__global__ void large_variable() {
  SKIPSCAN_SHARED(char, x, [50000]);
  x[0] = 1;
}

SCENARIO(write_past_shared_memory) { run(write_shared_at, 1, 1, 100); }
SCENARIO(read_past_dynamic_shared_memory) {
  DeviceArray<char> y(1);
  CHECK_OK(simt::launch(read_dynamic_at, 1, 1, 4, nullptr, y.data, 4));
  CHECK_OK(cudaDeviceSynchronize());
}
SCENARIO(no_dynamic_shared_memory) { run(read_dynamic_at, 1, 1, DeviceArray<char>(1).data, 0); }
SCENARIO(too_much_static_shared_memory) { run(large_variable, 1, 1); }

// ---- barriers of a block

__global__ void some_leave() {
  if (threadIdx.x >= 16) __syncthreads();
}
__global__ void some_have_left() {
  if (threadIdx.x < 16) return;
  __syncthreads();
}
__global__ void two_barriers() {
  if (threadIdx.x < 16) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}
__global__ void barrier_and_shuffle() {
  if (threadIdx.x < 16) {
    __syncthreads();
  } else {
    __shfl_sync(kAll, 1, 0);
  }
}

SCENARIO(thread_leaves_before_a_barrier) { run(some_leave, dim3(1, 2), 64); }
SCENARIO(barrier_after_threads_have_left) { run(some_have_left, 1, 64); }
SCENARIO(different_barriers) { run(two_barriers, 1, 64); }
SCENARIO(deadlock) { run(barrier_and_shuffle, 1, 32); }

// ---- operations of a warp

__global__ void not_in_own_mask() { __shfl_sync(0xffffu, 1, 0); }
__global__ void different_masks() { __shfl_sync(threadIdx.x < 16 ? kAll : 0x7fffffffu, 1, 0); }
__global__ void different_shuffles() {
  if (threadIdx.x < 16) {
    __shfl_sync(kAll, 1, 0);
  } else {
    __shfl_sync(kAll, 1, 1);
  }
}
__global__ void mask_of_exited() {
  if (threadIdx.x >= 16) __syncwarp();
}
__global__ void half_a_warp() { __syncwarp(); }

SCENARIO(lane_not_in_its_mask) { run(not_in_own_mask, 1, 32); }
SCENARIO(lanes_disagree_on_the_mask) { run(different_masks, 1, 32); }
SCENARIO(lanes_at_different_shuffles) { run(different_shuffles, 1, 32); }
SCENARIO(lane_leaves_while_others_wait) { run(mask_of_exited, 1, 32); }
SCENARIO(mask_names_lanes_that_do_not_exist) { run(half_a_warp, 1, 16); }

// ---- races

__global__ void without_barrier(int* y) {
  SKIPSCAN_SHARED(int, x, [64]);
  x[threadIdx.x] = 1;
  y[threadIdx.x] = x[63 - threadIdx.x];
}
// The barrier that keeps the next round's writes from this round's reads is missing.
__global__ void one_barrier_a_round(int* y) {
  SKIPSCAN_SHARED(int, x, [64]);
  for (int i = 0; i < 4; ++i) {
    x[threadIdx.x] = i;
    __syncthreads();
    y[threadIdx.x] = x[63 - threadIdx.x];
  }
}
__global__ void without_warp_barrier(int* y) {
  SKIPSCAN_SHARED(int, x, [32]);
  x[threadIdx.x] = 1;
  __shfl_sync(kAll, 1, 0);  // orders no memory
  y[threadIdx.x] = x[31 - threadIdx.x];
}
__global__ void blocks_share(int* y) {
  if (threadIdx.x == blockIdx.x) *y = 1;
}

SCENARIO(missing_barrier) { run(without_barrier, 1, 64, DeviceArray<int>(64).data); }
SCENARIO(missing_second_barrier) { run(one_barrier_a_round, 1, 64, DeviceArray<int>(64).data); }
SCENARIO(missing_warp_barrier) { run(without_warp_barrier, 1, 32, DeviceArray<int>(32).data); }
SCENARIO(blocks_write_the_same_place) { run(blocks_share, 2, 32, DeviceArray<int>(1).data); }

// ---- handles

SCENARIO(stream_after_its_end) {
  cudaStream_t stream;
  CHECK_OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  CHECK_OK(cudaStreamDestroy(stream));
  cudaStreamSynchronize(stream);
}
SCENARIO(graph_after_its_end) {
  cudaStream_t stream;
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  CHECK_OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  CHECK_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  CHECK_OK(cudaStreamEndCapture(stream, &graph));
  CHECK_OK(cudaGraphInstantiate(&executable, graph));
  CHECK_OK(cudaGraphDestroy(graph));
  CHECK_OK(cudaGraphLaunch(executable, stream));
  CHECK_OK(cudaGraphExecDestroy(executable));
  cudaGraphLaunch(executable, stream);
}
