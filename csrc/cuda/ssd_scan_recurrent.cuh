// Mamba-2's scan as the recurrence it is, states in registers, in float32: any head_dim, any d_state up to 256, any dtype.
//
// A thread has 4 channels of a head and 8 states of each; kLanes lanes lie along the states. A block walks along its segment in
// tiles of 16 steps. Grid: parts of heads, heads, segments, sequences, the first the fastest.
// Floor: 3 multiply-adds for each (step, channel, state) on the FMA pipes, 2 where only the last state is wanted; chunks as
// products would take 2.4 there, and more traffic in shared memory. x is read once, B and C once for each block of a head.
#pragma once
#include "cuda/reduce.cuh"
#include "cuda/ssd_scan_steps.cuh"

namespace skipscan::cuda {

constexpr int kRecurrentChannels = 4, kRecurrentStates = 8, kRecurrentTile = 16, kRecurrentThreads = 128;

// Adds up v[0..15] over kLanes lanes: lane i of them is left with the sums of v[i * kept .. ] in v[0 .. kept - 1], where
// kept = max(1, 16 / kLanes).
template <int kLanes, int kCount = 16, int kDistance = kLanes / 2>
__device__ inline void reduce_and_scatter(float (&v)[16], int lane) {
  if constexpr (kDistance > 0) {
    if constexpr (kCount > 1) {
      const bool upper = lane & kDistance;
#pragma unroll
      for (int i = 0; i < kCount / 2; ++i) {
        const float give = upper ? v[i] : v[i + kCount / 2], keep = upper ? v[i + kCount / 2] : v[i];
        v[i] = keep + __shfl_xor_sync(kAllLanes, give, kDistance);
      }
    } else {
      v[0] += __shfl_xor_sync(kAllLanes, v[0], kDistance);
    }
    reduce_and_scatter<kLanes, (kCount > 1 ? kCount / 2 : 1), kDistance / 2>(v, lane);
  }
}

// kOutputs: the outputs of every segment from the state that it begins with; else the state that it ends with when it begins
// with zeros. sums: (heads * parts, steps), or (heads, steps) where time steps are scored.
template <class T, int kLanes, bool kOutputs>
__global__ void __launch_bounds__(kRecurrentThreads, kLanes > 2 ? 4 : 3)
    ssd_recurrent(SsdScanParams p, SsdSegments segments, int parts, float* sums) {
  constexpr int kTile = kRecurrentTile, kStates = kRecurrentStates * kLanes;
  constexpr int kMostChannels = kRecurrentThreads / kLanes * kRecurrentChannels;
  SKIPSCAN_SHARED(float, B, [kTile][kStates]);
  SKIPSCAN_SHARED(float, C, [kOutputs ? kTile : 1][kStates]);
  SKIPSCAN_SHARED(float, x, [kTile][kMostChannels]);
  SKIPSCAN_SHARED(float, y, [kOutputs ? kTile : 1][kMostChannels]);
  SKIPSCAN_SHARED(float, dts, [kTile]);
  SKIPSCAN_SHARED(float, decays, [kTile]);
  SKIPSCAN_SHARED(float, factors, [kTile]);

  const int part = int(blockIdx.x) % parts, head = int(blockIdx.x) / parts % p.heads;
  const SegmentBounds s = segment_bounds(p.path, segments, int(blockIdx.x) / parts / p.heads);
  if (idle(s, kOutputs)) return;

  const int threads = int(blockDim.x), tid = int(threadIdx.x), lane = tid % kLanes;
  const int channels = threads / kLanes * kRecurrentChannels, first_channel = part * channels;
  const int mine = tid / kLanes * kRecurrentChannels;  // the first of this thread's channels within the block
  const int N = p.d_state, P = p.head_dim, group = head / (p.heads / p.groups) * N;

  // State j of this thread's is 4 * lane + j of the first half of the states, or j - 4 of the second.
  float h[kRecurrentChannels][kRecurrentStates];
  const int state_at = (first_channel + mine) * N + lane * 4;
  const auto each_state = [&](const auto& body) {
#pragma unroll
    for (int i = 0; i < kRecurrentChannels; ++i) {
      if (first_channel + mine + i >= P) continue;
#pragma unroll
      for (int j = 0; j < kRecurrentStates; ++j) {
        const int n = j / 4 * (kStates / 2) + j % 4;
        if (lane * 4 + n < N) body(state_at + i * N + n, h[i][j]);
      }
    }
  };
#pragma unroll
  for (int i = 0; i < kRecurrentChannels; ++i) {
#pragma unroll
    for (int j = 0; j < kRecurrentStates; ++j) h[i][j] = 0;
  }
  if (const float* const from = first_state(p, segments, s, head, kOutputs)) {
    each_state([&](int at, float& state) { state = from[at]; });
  }

  float elapsed = 0;
  for (int k = s.begin; k < s.end; k += kTile) {
    const int steps = min(s.end - k, kTile);
    __syncthreads();
    if (tid < kTile) {  // steps after the end leave the state as it is
      const bool inside = tid < steps;
      const float dt = inside ? step_size<T>(p, k + tid, head) : 0;
      const float decay = inside ? decay_time<T>(p, s.sequence_begin, k + tid, head, dt) * p.A[head] : 0;
      dts[tid] = dt;
      decays[tid] = decay;
      factors[tid] = exact_decay(decay);
      if (kOutputs && scores_steps(p) && part == 0 && inside) sums[int64_t(head) * p.path.steps + k + tid] = dt;
    }
    for (int i = tid; i < kTile * kStates; i += threads) {
      const int step = i / kStates, n = i % kStates;
      const bool inside = step < steps && n < N;
      const int64_t row = inside ? p.path.param_index[k + step] : 0;
      B[step][n] = inside ? load(typed<T>(p.B) + row * p.B_stride + group + n) : 0;
      if (kOutputs) C[step][n] = inside ? load(typed<T>(p.C) + row * p.C_stride + group + n) : 0;
    }
    for (int i = tid; i < kTile * channels; i += threads) {
      const int step = i / channels, channel = first_channel + i % channels;
      const bool inside = step < steps && channel < P;
      const int64_t row = inside ? p.path.index[k + step] : 0;
      x[step][i % channels] = inside ? load(typed<T>(p.x) + row * p.x_stride + int64_t(head) * P + channel) : 0;
    }
    __syncthreads();

    for (int first = 0; first < steps; first += 4) {
      float totals[16];
#pragma unroll
      for (int t = 0; t < 4; ++t) {
        const int step = first + t;
        const float dt = dts[step], factor = factors[step];
        const auto inputs = load_pack<float, 4>(&x[step][mine]);
        const auto B_low = load_pack<float, 4>(&B[step][lane * 4]);
        const auto B_high = load_pack<float, 4>(&B[step][kStates / 2 + lane * 4]);
        Pack<float, 4> C_low, C_high;
        if (kOutputs) {
          C_low = load_pack<float, 4>(&C[step][lane * 4]);
          C_high = load_pack<float, 4>(&C[step][kStates / 2 + lane * 4]);
        }
#pragma unroll
        for (int i = 0; i < kRecurrentChannels; ++i) {
          const float input = dt * inputs.values[i];
          float total = 0;
#pragma unroll
          for (int j = 0; j < kRecurrentStates; ++j) {
            h[i][j] = fmaf(factor, h[i][j], input * (j < 4 ? B_low : B_high).values[j % 4]);
            if (kOutputs) total = fmaf(h[i][j], (j < 4 ? C_low : C_high).values[j % 4], total);
          }
          totals[t * 4 + i] = total;
        }
      }
      if (kOutputs) {
        constexpr int kKept = kLanes < 16 ? 16 / kLanes : 1;
        reduce_and_scatter<kLanes>(totals, lane);
        if (kLanes <= 16 || lane % 2 == 0) {
          const int at = kLanes <= 16 ? lane * kKept : lane / 2;
#pragma unroll
          for (int i = 0; i < kKept; ++i) y[first + (at + i) / 4][mine + (at + i) % 4] = totals[i];
        }
      }
    }
    if (!kOutputs) {
      for (int step = 0; step < steps; ++step) elapsed += decays[step];
      continue;
    }

    __syncthreads();
    for (int step = warp_index(); step < steps; step += threads / kWarp) {
      const int64_t row = p.path.index[k + step];
      float sum = 0;
      for (int c = lane_index(); c < channels; c += kWarp) {
        const int64_t at = int64_t(head) * P + first_channel + c;
        if (first_channel + c >= P) continue;
        float ungated;
        const float out = finish_output<T>(p, row, head, at, x[step][c], y[step][c], ungated);
        store(static_cast<T*>(p.y.data) + row * p.y_stride + at, out);
        sum = add_channel(p.metric, sum, p.source == ImportanceSource::gated ? out : ungated);
      }
      if (scores_outputs(p)) {
        sum = warp_sum(sum);
        if (lane_index() == 0) sums[(int64_t(head) * parts + part) * p.path.steps + k + step] = sum;
      }
    }
  }

  if (float* const to = last_state(p, segments, s, head, kOutputs)) {
    each_state([&](int at, float state) { to[at] = state; });
  }
  if (!kOutputs && part == 0 && tid == 0) {
    segments.decays[int64_t(s.sequence * segments.count + s.index) * p.heads + head] = elapsed;
  }
}

}  // namespace skipscan::cuda
