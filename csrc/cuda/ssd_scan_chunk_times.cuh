// The time of Mamba-2's scan within a chunk of steps: a warp finds it for one head, two neighbouring steps to a lane.
#pragma once
#include "cuda/reduce.cuh"
#include "cuda/ssd_scan_steps.cuh"

namespace skipscan::cuda {

constexpr int kChunkSteps = 64;

// Of one head, in shared memory. cum is the sum of decay * A * log2(e) from the chunk's first step on, with the step's own.
struct alignas(16) ChunkTimes {
  float cum[kChunkSteps];
  float source[kChunkSteps];  // cum - log2(dt): what step j gives arrives at step i as 2^(cum_i - source_j)
  float to_end[kChunkSteps];  // dt * 2^(cum_last - cum)
  float last_dt;
};

struct ChunkTimeInputs {
  float dt[2], other[2];  // other: the time skipped before a step, or the number of positions skipped
};

// Starts to read what the times of steps [k, end) need; `rows` are their param rows.
template <class T>
__device__ inline ChunkTimeInputs fetch_times(const SsdScanParams& p, int head, const int* rows, int k, int end) {
  ChunkTimeInputs in{};
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const int j = lane_index() * 2 + i;
    if (k + j >= end) continue;
    in.dt[i] = load(typed<T>(p.dt) + rows[j] * p.dt_stride + head);
    in.other[i] =
        p.alignment == Alignment::own ? p.skipped_dt[int64_t(k + j) * p.heads + head] : float(p.path.gap[k + j] - 1);
  }
  return in;
}

// The times of those steps; steps from `end` on have no length. `before` has the times of the 64 steps before, or is null at a
// segment's first chunk, which may be the sequence's. dt of every step goes to dts[j], unless that is null.
template <class T>
__device__ inline void put_times(const SsdScanParams& p, int head, const ChunkTimeInputs& in, int k, int end,
                                 const ChunkTimes* before, bool starts_sequence, ChunkTimes& to, float* dts) {
  const int lane = lane_index();
  const float bias = p.dt_bias ? p.dt_bias[head] : 0;
  float dt[2], decay[2];
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const int j = lane * 2 + i;
    dt[i] = in.dt[i] + bias;
    if (p.softplus) dt[i] = exact_softplus(dt[i]);
    dt[i] = k + j < end ? fminf(fmaxf(dt[i], p.dt_min), p.dt_max) : 0;
    if (dts && k + j < end) dts[j] = dt[i];
    decay[i] = dt[i];
    if (p.alignment == Alignment::own) decay[i] += in.other[i];
    if (p.alignment == Alignment::next) decay[i] = fmaf(in.other[i], dt[i], dt[i]);
  }
  if (p.alignment == Alignment::previous) {
    const float of_left = __shfl_up_sync(kAllLanes, dt[1], 1);
    float first = dt[0];
    if (!starts_sequence) first = before ? before->last_dt : step_size<T>(p, k - 1, head);
    decay[0] = fmaf(in.other[0], lane > 0 ? of_left : first, dt[0]);
    decay[1] = fmaf(in.other[1], dt[0], dt[1]);
    if (lane == kWarp - 1) to.last_dt = dt[1];
  }

  const double A = double(p.A[head]) * double(kLog2e), both = (double(decay[0]) + double(decay[1])) * A;
  double sum = both;
#pragma unroll
  for (int distance = 1; distance < kWarp; distance *= 2) {
    const double left = __shfl_up_sync(kAllLanes, sum, distance);
    if (lane >= distance) sum += left;
  }
  const double last = __shfl_sync(kAllLanes, sum, kWarp - 1);
  const double cum[2] = {sum - double(decay[1]) * A, sum};
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const int j = lane * 2 + i;
    to.cum[j] = float(cum[i]);
    to.source[j] = float(cum[i]) - fast_log2(dt[i]);
    to.to_end[j] = dt[i] * fast_exp2(float(last - cum[i]));
  }
}

}  // namespace skipscan::cuda
