// One spelling for kernels, which nvcc compiles for a GPU and a C++ compiler compiles for the emulated one of the tests
// (test/simt). What that asks of kernels: launches go through launch(), shared memory is declared with the two macros, PTX
// stays in ptx.cuh, nobody returns before a barrier that others wait at, and results do not depend on the order in which
// threads run.
#pragma once
#ifdef __CUDACC__
#include <cuda_runtime.h>
#define SKIPSCAN_SHARED(type, name, dims) __shared__ __align__(16) type name dims
#define SKIPSCAN_DYNAMIC_SHARED(type, name)                        \
  extern __shared__ __align__(16) unsigned char dynamic_shared_[]; \
  type* const name = reinterpret_cast<type*>(dynamic_shared_)
#else
#include "simt/cuda_runtime.h"
#endif

#include "cuda/stream.h"

namespace skipscan::cuda {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xffffffffu;
constexpr size_t kSharedByDefault = 48 << 10;  // bytes of shared memory that a block may have without asking

constexpr int64_t div_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Queues a kernel; `shared` is its dynamic shared memory in bytes. Fails when the grid or the shared memory is more than the
// device has, or when an earlier kernel has broken the device.
template <class... Params, class... Args>
Status launch(Stream& stream, void (*kernel)(Params...), dim3 grid, dim3 block, size_t shared, Args... args) {
#ifdef __CUDACC__
  if (shared > kSharedByDefault) {
    const cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared));
    if (error != cudaSuccess) return stream.status_of(error);
  }
  kernel<<<grid, block, shared, stream.handle()>>>(Params(args)...);
  return stream.status_of(cudaGetLastError());
#else
  return stream.status_of(simt::launch(kernel, grid, block, shared, stream.handle(), args...));
#endif
}

}  // namespace skipscan::cuda
