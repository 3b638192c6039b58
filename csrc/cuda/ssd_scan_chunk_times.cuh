// The time of Mamba-2's scan within a chunk of steps: a warp computes it for one head, two neighbouring steps to a lane.
#pragma once
#include "cuda/reduce.cuh"
#include "cuda/ssd_scan_steps.cuh"

namespace skipscan::cuda {

constexpr int kChunkSteps = 64;

// Of one head, in shared memory. cum is the sum of decay * A * log2(e) from the chunk's first step to this one. Differences
// of neighbours may be far smaller than they are: kept in two floats, they stay exact to float32.
struct ChunkTimes {
  float dt[kChunkSteps];
  float cum[kChunkSteps], rest[kChunkSteps];
  float to_end[kChunkSteps];  // dt * exp(cum_last - cum)
};

// 2^(cum_i - cum_j) for j <= i.
__device__ inline float decay_between(float cum_i, float rest_i, float cum_j, float rest_j) {
  return fast_exp2(fminf((cum_i - cum_j) + (rest_i - rest_j), 0.f));
}

template <class T>
class ChunkClock {
 public:
  // For the head whose steps come from `begin` on, in a sequence that begins at sequence_begin; a head that does not exist has
  // steps of no length.
  __device__ ChunkClock(const SsdScanParams& p, int head, bool exists, int sequence_begin, int begin)
      : head_(exists ? head : 0), exists_(exists), bias_(p.dt_bias ? p.dt_bias[head_] : 0), A_(p.A[head_]) {
    starts_sequence_ = begin == sequence_begin;
    if (p.alignment == Alignment::previous && !starts_sequence_) dt_before_ = step_size<T>(p, begin - 1, head_);
  }

  // Starts to read what the times of steps [k, end) of a chunk need; rows are their param rows.
  __device__ void fetch(const SsdScanParams& p, const int* rows, int k, int end) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int j = lane_index() * 2 + i;
      inside_[i] = exists_ && k + j < end;
      if (!inside_[i]) continue;
      dt_[i] = load(typed<T>(p.dt) + rows[j] * p.dt_stride + head_);
      if (p.alignment == Alignment::own) {
        skipped_[i] = p.skipped_dt[int64_t(k + j) * p.heads + head_];
      } else {
        skipped_[i] = float(p.path.gap[k + j] - 1);
      }
    }
  }

  // The times of what was fetched.
  __device__ void put(const SsdScanParams& p, ChunkTimes& to) {
    float decay[2];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      float dt = inside_[i] ? dt_[i] + bias_ : 0;
      if (p.softplus) dt = fmaxf(dt, 0.f) + log1pf(expf(-fabsf(dt)));
      dt_[i] = inside_[i] ? fminf(fmaxf(dt, p.dt_min), p.dt_max) : 0;
    }
    const int lane = lane_index();
    const float of_left = __shfl_up_sync(kAllLanes, dt_[1], 1);
    const float before[2] = {lane > 0 ? of_left : starts_sequence_ ? dt_[0] : dt_before_, dt_[0]};
    dt_before_ = __shfl_sync(kAllLanes, dt_[1], kWarp - 1);
    starts_sequence_ = false;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      switch (p.alignment) {
        case Alignment::none: decay[i] = dt_[i]; break;
        case Alignment::next: decay[i] = fmaf(skipped_[i], dt_[i], dt_[i]); break;
        case Alignment::previous: decay[i] = fmaf(skipped_[i], before[i], dt_[i]); break;
        case Alignment::own: decay[i] = dt_[i] + skipped_[i]; break;
      }
      if (!inside_[i]) decay[i] = 0;
    }

    const double A = double(A_) * double(kLog2e), first = double(decay[0]) * A;
    const double both = first + double(decay[1]) * A;
    double sum = both;
#pragma unroll
    for (int distance = 1; distance < kWarp; distance *= 2) {
      const double left = __shfl_up_sync(kAllLanes, sum, distance);
      if (lane >= distance) sum += left;
    }
    const double last = __shfl_sync(kAllLanes, sum, kWarp - 1);
    elapsed_ = float(last) * kLn2;
    const double cum[2] = {sum - both + first, sum};
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int j = lane * 2 + i;
      to.dt[j] = dt_[i];
      to.cum[j] = float(cum[i]);
      to.rest[j] = float(cum[i] - double(float(cum[i])));
      to.to_end[j] = dt_[i] * fast_exp2(fminf(float(last - cum[i]), 0.f));
    }
  }

  // Of the chunk put last: the sum of decay * A; and body(j, dt) for this lane's steps.
  __device__ float elapsed() const { return elapsed_; }
  template <class Body>
  __device__ void each_step(const Body& body) const {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      if (inside_[i]) body(lane_index() * 2 + i, dt_[i]);
    }
  }

 private:
  int head_;
  bool exists_, starts_sequence_, inside_[2] = {false, false};
  float bias_, A_, elapsed_ = 0, dt_before_ = 0, dt_[2] = {0, 0}, skipped_[2] = {0, 0};
};

}  // namespace skipscan::cuda
