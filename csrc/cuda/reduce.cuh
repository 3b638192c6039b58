// Sums, and the like, over the lanes of a warp and over the threads of a block. Always in one order: the same numbers give
// the same bits. Every thread of the warp or block calls together and every one gets the result.
#pragma once
#include "cuda/launch.cuh"

namespace skipscan::cuda {

__device__ inline int lane_index() { return int(threadIdx.x) % kWarp; }
__device__ inline int warp_index() { return int(threadIdx.x) / kWarp; }

// combine(a, b) is symmetric to the bit, so that all lanes end up with the same.
template <class T, class Combine>
__device__ inline T warp_reduce(T v, const Combine& combine) {
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    v = combine(v, __shfl_xor_sync(kAllLanes, v, distance));
  }
  return v;
}

__device__ inline float warp_sum(float v) {
  return warp_reduce(v, [](float a, float b) { return a + b; });
}

// The largest; what is not a number does not count.
__device__ inline float warp_max(float v) {
  return warp_reduce(v, [](float a, float b) { return fmaxf(a, b); });
}

// Blocks are one row of whole warps, 1024 threads at most; T has 4 bytes. `identity` leaves what it is combined with
// unchanged. Holds two barriers, the second so that the next call may begin at once.
template <class T, class Combine>
__device__ inline T block_reduce(T v, T identity, const Combine& combine) {
  SKIPSCAN_SHARED(T, of_warps, [kWarp]);
  v = warp_reduce(v, combine);
  if (lane_index() == 0) of_warps[warp_index()] = v;
  __syncthreads();
  v = lane_index() < int(blockDim.x) / kWarp ? of_warps[lane_index()] : identity;
  __syncthreads();
  return warp_reduce(v, combine);
}

__device__ inline float block_sum(float v) {
  return block_reduce(v, 0.f, [](float a, float b) { return a + b; });
}

// Of several sums at a time, with as many barriers as one has.
template <int kCount>
__device__ inline void block_sums(float (&sums)[kCount]) {
  SKIPSCAN_SHARED(float, of_warps, [kCount][kWarp]);
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    sums[i] = warp_sum(sums[i]);
    if (lane_index() == 0) of_warps[i][warp_index()] = sums[i];
  }
  __syncthreads();
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    sums[i] = warp_sum(lane_index() < int(blockDim.x) / kWarp ? of_warps[i][lane_index()] : 0);
  }
  __syncthreads();
}

// As warp_max.
__device__ inline float block_max(float v) {
  return block_reduce(v, -INFINITY, [](float a, float b) { return fmaxf(a, b); });
}

__device__ inline int block_min(int v) {
  return block_reduce(v, 0x7fffffff, [](int a, int b) { return a < b ? a : b; });
}

// How many threads before this one have the flag set; `total`: how many of the block have. Blocks and barriers are those of
// block_reduce.
__device__ inline int block_prefix(bool flag, int& total) {
  SKIPSCAN_SHARED(int, of_warps, [kWarp]);
  const int lane = lane_index(), warp = warp_index();
  const unsigned votes = __ballot_sync(kAllLanes, flag);
  if (lane == 0) of_warps[warp] = __popc(votes);
  __syncthreads();
  int sum = lane < int(blockDim.x) / kWarp ? of_warps[lane] : 0;
  __syncthreads();
#pragma unroll
  for (int distance = 1; distance < kWarp; distance *= 2) {
    const int before = __shfl_up_sync(kAllLanes, sum, distance);
    if (lane >= distance) sum += before;
  }
  total = __shfl_sync(kAllLanes, sum, kWarp - 1);
  const int up_to_warp = __shfl_sync(kAllLanes, sum, warp > 0 ? warp - 1 : 0);
  return (warp > 0 ? up_to_warp : 0) + __popc(votes & ((1u << lane) - 1));
}

}  // namespace skipscan::cuda
