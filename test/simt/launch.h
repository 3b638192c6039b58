// Queueing kernels.
#pragma once
#include <functional>
#include <tuple>

#include "simt/types.h"

namespace simt {

struct Launch {
  dim3 grid, block;
  size_t shared;       // bytes of dynamic shared memory
  const void* kernel;  // for messages
  std::function<void()> body;
};

cudaError_t enqueue(Launch launch, cudaStream_t stream);

// What kernel<<<grid, block, shared, stream>>>(args...) followed by cudaGetLastError() is in CUDA.
template <class... Params, class... Args>
cudaError_t launch(void (*kernel)(Params...), dim3 grid, dim3 block, size_t shared, cudaStream_t stream, Args... args) {
  return enqueue({grid, block, shared, reinterpret_cast<const void*>(kernel),
                  [kernel, params = std::tuple<Params...>(Params(args)...)] { std::apply(kernel, params); }},
                 stream);
}

}  // namespace simt
