// The metric `state` for Mamba-2, in two kernels: what of each step is left at its sequence's end, for each head; then the
// scores of steps from that and the norms of x and B. Floor: x once, and the states.
#pragma once
#include "cuda/reduce.cuh"
#include "cuda/ssd_scan_steps.cuh"
#include "ops/ssd_state_importance.h"

namespace skipscan::cuda {

constexpr int kRemainderThreads = 256, kStateScoreThreads = 128;

// Exclusive sums over the threads of a block, in double: times add up over thousands of steps. `total` becomes the sum of all.
__device__ inline double exclusive_sum(double v, double& total) {
  SKIPSCAN_SHARED(double, of_warps, [kRemainderThreads / kWarp]);
  const int lane = lane_index();
  double sum = v;
#pragma unroll
  for (int distance = 1; distance < kWarp; distance *= 2) {
    const double before = __shfl_up_sync(kAllLanes, sum, distance);
    if (lane >= distance) sum += before;
  }
  if (lane == kWarp - 1) of_warps[warp_index()] = sum;
  __syncthreads();
  double before = 0;
  total = 0;
#pragma unroll
  for (int i = 0; i < kRemainderThreads / kWarp; ++i) {
    if (i < warp_index()) before += of_warps[i];
    total += of_warps[i];
  }
  __syncthreads();
  return before + (sum - v);
}

// remainders: (steps, heads), dt * exp(A * sum of decay over the steps after it) / norm(H). Grid: (heads, sequences).
template <class T>
__global__ void __launch_bounds__(kRemainderThreads)
    ssd_state_remainders(SsdStateImportanceParams p, float* remainders) {
  const int head = int(blockIdx.x), sequence = int(blockIdx.y), tid = int(threadIdx.x);
  const int begin = p.path.offsets[sequence], end = p.path.offsets[sequence + 1];
  const int64_t size = int64_t(p.head_dim) * p.d_state;
  const float* H = p.state + (int64_t(sequence) * p.heads + head) * size;
  float squares = 0;
  for (int64_t i = tid; i < size; i += kRemainderThreads) squares = fmaf(H[i], H[i], squares);
  squares = block_sum(squares);
  const float scale = squares == 0 ? 0 : 1 / sqrtf(squares);

  double elapsed = 0;  // since the end of the tile
  for (int last = end - 1; last >= begin; last -= kRemainderThreads) {
    const int k = last - tid;
    const float dt = k >= begin ? step_size<T>(p, k, head) : 0;
    const float decay = k >= begin ? decay_time<T>(p, begin, k, head, dt) : 0;
    double of_tile;
    const double after = elapsed + exclusive_sum(decay, of_tile);
    elapsed += of_tile;
    if (k >= begin) remainders[int64_t(k) * p.heads + head] = dt * scale * expf(float(after * p.A[head]));
  }
}

// The sum of squares of v[0 .. count), shared out among `lanes` lanes of which this is the i-th.
template <int kVec, class T>
__device__ inline float squares_of(const T* v, int count, int i, int lanes) {
  float sum = 0;
  for (int c = i * kVec; c < count; c += lanes * kVec) {
    const auto values = load_pack<T, kVec>(v + c);
#pragma unroll
    for (int j = 0; j < kVec; ++j) sum = fmaf(values[j], values[j], sum);
  }
  return sum;
}

// `lanes` lanes have a head, a power of two. Grid: steps.
template <class T, int kVec>
__global__ void __launch_bounds__(kStateScoreThreads)
    ssd_state_scores(SsdStateImportanceParams p, const float* remainders, int lanes) {
  SKIPSCAN_DYNAMIC_SHARED(float, norms_of_B);  // (groups)
  constexpr int kWarps = kStateScoreThreads / kWarp;
  const int64_t k = blockIdx.x;
  const T* B = typed<T>(p.B) + p.path.param_index[k] * p.B_stride;
  const T* x = typed<T>(p.x) + p.path.index[k] * p.x_stride;
  for (int g = warp_index(); g < p.groups; g += kWarps) {
    const float squares = warp_sum(squares_of<1>(B + int64_t(g) * p.d_state, p.d_state, lane_index(), kWarp));
    if (lane_index() == 0) norms_of_B[g] = sqrtf(squares);
  }
  __syncthreads();

  const int heads_of_warp = kWarp / lanes, per_group = p.heads / p.groups;
  float sum = 0;
  for (int first = warp_index() * heads_of_warp; first < p.heads; first += kWarps * heads_of_warp) {
    const int head = first + lane_index() / lanes;
    float squares = 0;
    if (head < p.heads) {
      squares = squares_of<kVec>(x + int64_t(head) * p.head_dim, p.head_dim, lane_index() % lanes, lanes);
    }
    for (int distance = lanes / 2; distance > 0; distance /= 2) {
      squares += __shfl_xor_sync(kAllLanes, squares, distance);
    }
    if (head < p.heads && lane_index() % lanes == 0) {
      sum += remainders[k * p.heads + head] * sqrtf(squares) * norms_of_B[head / per_group];
    }
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) p.scores[p.path.index[k]] = sum / float(p.heads);
}

}  // namespace skipscan::cuda
