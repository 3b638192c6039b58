// Rows that the threads of a block share out, in packs that each thread loads and stores as one.
#pragma once
#include "cuda/elements.cuh"

namespace skipscan::cuda {

// Calls visit(c, i) for the i-th pack of this thread, which begins at element c. There are kPacks at most, and i is a constant
// of the unrolled loop, or any number where kPacks is 0, and i is 0. `size` is a multiple of kPack.
template <int kPack, int kPacks, class Visit>
__device__ inline void for_packs(int64_t size, const Visit& visit) {
  const int64_t first = int64_t(threadIdx.x) * kPack, step = int64_t(blockDim.x) * kPack;
  if constexpr (kPacks > 0) {
#pragma unroll
    for (int i = 0; i < kPacks; ++i) {
      if (first + i * step < size) visit(first + i * step, i);
    }
  } else {
    for (int64_t c = first; c < size; c += step) visit(c, 0);
  }
}

// The same for any number of packs, kBatch at a time: load(c, i) for all of them, so that they are on their way together, then
// use(c, i).
template <int kPack, int kBatch, class Load, class Use>
__device__ inline void for_batches(int64_t size, const Load& load, const Use& use) {
  const int64_t step = int64_t(blockDim.x) * kPack;
  for (int64_t first = int64_t(threadIdx.x) * kPack; first < size; first += kBatch * step) {
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      if (first + i * step < size) load(first + i * step, i);
    }
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      if (first + i * step < size) use(first + i * step, i);
    }
  }
}

// kPack float32 values from an address that is a multiple of 16 bytes, or of their size where that is less.
template <int kPack>
__device__ inline void load_floats(const float* p, float (&values)[kPack]) {
  constexpr int kPart = kPack < 4 ? kPack : 4;
#pragma unroll
  for (int i = 0; i < kPack; i += kPart) {
    const Pack<float, kPart> part = load_pack<float, kPart>(p + i);
#pragma unroll
    for (int j = 0; j < kPart; ++j) values[i + j] = part[j];
  }
}

constexpr int kRowThreads = 512;                      // of a block, at most
constexpr int kRowShare = 16;                         // elements of a row in the registers of a thread
constexpr int kLongestRow = kRowThreads * kRowShare;  // what a block can have there

// Whole warps for a row of so many elements, `share` of them for each thread, or more where that is more than `most` threads.
inline dim3 threads_for_row(int64_t size, int share = kRowShare, int most = kRowThreads) {
  const int64_t threads = div_up(div_up(size, share), kWarp) * kWarp;
  return dim3(unsigned(threads < most ? threads : most));
}

}  // namespace skipscan::cuda
