#include <algorithm>
#include <stdexcept>

#include "ceilings.h"
#include "core/thread_pool.h"
#include "cuda/ptx.cuh"
#include "cuda/tables.h"
#include "memory.h"

namespace skipscan::bench {
namespace {

constexpr size_t kBytes = size_t(1) << 30;
constexpr int kThreads = 256, kChains = 8, kSteps = 512;

__global__ void copy_kernel(const float4* from, float4* to, size_t count) {
  const size_t step = size_t(gridDim.x) * blockDim.x;
  for (size_t i = size_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) to[i] = from[i];
}

// The sum keeps the compiler from dropping the loads; one thread in a billion writes it.
__global__ void read_kernel(const float4* from, float* to, size_t count) {
  const size_t step = size_t(gridDim.x) * blockDim.x;
  float sum = 0;
#pragma unroll 4
  for (size_t i = size_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
    const float4 v = from[i];
    sum += v.x + v.y + v.z + v.w;
  }
  if (sum == 1234.5f) *to = sum;
}

// Chains of exponentials, each the argument of the next: 2^-x stays within (0, 1].
__global__ void exponential_kernel(float* to) {
  float values[kChains];
#pragma unroll
  for (int i = 0; i < kChains; ++i) values[i] = float(threadIdx.x + i) * 0x1p-10f;
  for (int step = 0; step < kSteps; ++step) {
#pragma unroll
    for (int i = 0; i < kChains; ++i) values[i] = cuda::fast_exp2(-values[i]);
  }
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kChains; ++i) sum += values[i];
  if (sum == 1234.5f) *to = sum;
}

double bandwidth(cuda::Stream& stream, Timer& timer) {
  Memory memory(Memory::Place::device);
  const auto* const from = static_cast<const float4*>(memory.random(DType::f32, kBytes / 4, -1, 1).data);
  auto* const to = static_cast<float4*>(memory.output(DType::f32, kBytes / 4).data);
  const size_t count = kBytes / sizeof(float4);
  const dim3 grid(unsigned(stream.limits().multiprocessors * 16)), block(kThreads);
  const Timing copy = timer.time([&] { return cuda::launch(stream, copy_kernel, grid, block, 0, from, to, count); });
  const Timing read = timer.time(
      [&] { return cuda::launch(stream, read_kernel, grid, block, 0, from, reinterpret_cast<float*>(to), count); });
  return std::max(2 * double(kBytes) / copy.median, double(kBytes) / read.median);
}

double exponentials(cuda::Stream& stream, Timer& timer) {
  Memory memory(Memory::Place::device);
  float* const to = memory.output(DType::f32, 1).f32();
  const unsigned blocks = unsigned(stream.limits().multiprocessors * 32);
  const Timing time =
      timer.time([&] { return cuda::launch(stream, exponential_kernel, dim3(blocks), dim3(kThreads), 0, to); });
  return double(blocks) * kThreads * kChains * kSteps / time.median;
}

double product_flops(cuda::Stream& stream, Timer& timer) {
  constexpr int64_t kSize = 8192;
  Memory memory(Memory::Place::device);
  ThreadPool pool(1);
  ExecContext context{pool, &stream};
  LinearParams p{};
  p.x = memory.random(DType::bf16, kSize * kSize, -1, 1);
  p.weight = {memory.random(DType::bf16, kSize * kSize, -1, 1).data, DType::bf16, kSize, kSize, 1};
  p.y = memory.output(DType::bf16, kSize * kSize);
  p.rows = p.x_stride = p.y_stride = kSize;
  return 2.0 * kSize * kSize * kSize / timer.time([&] { return cuda::linear.run(p, context); }).median;
}

}  // namespace

Ceilings measure_ceilings(cuda::Stream& stream, Timer& timer) {
  return {bandwidth(stream, timer), exponentials(stream, timer), product_flops(stream, timer)};
}

}  // namespace skipscan::bench
