// Mamba-2's scan with the state in memory: a step of decoding, and states too wide for the registers.
//
// A warp has kRows x (32 / lanes) channels of a head, `lanes` lanes along the states of each. Grid: every warp of every
// sequence. Floor: each state read and written once a step, 8 bytes; all else is small.
#pragma once
#include "cuda/reduce.cuh"
#include "cuda/ssd_scan_steps.cuh"

namespace skipscan::cuda {

constexpr int kStepRows = 4, kStepWarps = 4;

struct SsdStepLayout {
  int lanes;     // along the states of a channel: a power of two
  int channels;  // of a warp
  int parts;     // warps of a head

  SsdStepLayout(const SsdScanParams& p, int vec) {
    for (lanes = 1; lanes < kWarp && lanes * vec < p.d_state;) lanes *= 2;
    channels = kStepRows * (kWarp / lanes);
    parts = int(div_up(p.head_dim, channels));
  }
};

// `to` is where the states go, (sequences, heads, head_dim, d_state), or null: not wanted, for sequences of one step only.
// sums: (heads * parts, steps), or (heads, steps) where time steps are scored.
template <class T, int kVec>
__global__ void __launch_bounds__(kStepWarps* kWarp, 3)
    ssd_step(SsdScanParams p, SsdStepLayout layout, float* to, float* sums) {
  const int lane = lane_index();
  const unsigned warp = blockIdx.x * kStepWarps + unsigned(warp_index());
  const int part = int(warp % layout.parts), head = int(warp / layout.parts % p.heads);
  const int sequence = int(warp / layout.parts / p.heads);
  if (sequence >= p.path.sequences) return;

  const int64_t N = p.d_state, P = p.head_dim, state_at = (int64_t(sequence) * p.heads + head) * P * N;
  const int64_t group = head / (p.heads / p.groups) * N;
  const int n_first = lane % layout.lanes * kVec, n_stride = layout.lanes * kVec;
  int channel[kStepRows];
#pragma unroll
  for (int r = 0; r < kStepRows; ++r) {
    channel[r] = part * layout.channels + r * (kWarp / layout.lanes) + lane / layout.lanes;
  }

  using States = Pack<float, kVec>;
  States h[kStepRows];
  const auto fetch = [&](const float* from, int64_t n) {
#pragma unroll
    for (int r = 0; r < kStepRows; ++r) {
      if (from && channel[r] < P && n < N) {
        h[r] = load_pack<float, kVec>(from + channel[r] * N + n);
      } else {
#pragma unroll
        for (int j = 0; j < kVec; ++j) h[r].values[j] = 0;
      }
    }
  };
  const auto put = [&](int64_t n) {
#pragma unroll
    for (int r = 0; r < kStepRows; ++r) {
      if (to && channel[r] < P && n < N) store_pack(to + state_at + channel[r] * N + n, h[r]);
    }
  };

  const float* from = p.state_in ? p.state_in + state_at : nullptr;
  const int64_t begin = p.path.offsets[sequence], end = p.path.offsets[sequence + 1];
  if (begin == end) {  // the state stays what it was
    for (int64_t n = n_first; n < N; n += n_stride) {
      fetch(from, n);
      put(n);
    }
  }
  for (int64_t k = begin; k < end; ++k) {
    fetch(from, n_first);  // long before the decay is known
    const int64_t row = p.path.index[k], param = p.path.param_index[k];
    const T *B = typed<T>(p.B) + param * p.B_stride + group, *C = typed<T>(p.C) + param * p.C_stride + group;
    const float dt = step_size<T>(p, k, head);
    const float decay = exact_decay(decay_time<T>(p, begin, k, head, dt) * p.A[head]);

    float x[kStepRows], total[kStepRows];
#pragma unroll
    for (int r = 0; r < kStepRows; ++r) {
      x[r] = channel[r] < P ? load(typed<T>(p.x) + row * p.x_stride + head * P + channel[r]) : 0;
      total[r] = 0;
    }
    for (int64_t n = n_first; n < N; n += n_stride) {
      const auto b = load_pack<T, kVec>(B + n), c = load_pack<T, kVec>(C + n);
#pragma unroll
      for (int j = 0; j < kVec; ++j) {
#pragma unroll
        for (int r = 0; r < kStepRows; ++r) {
          h[r].values[j] = fmaf(decay, h[r].values[j], x[r] * (dt * b[j]));
          total[r] = fmaf(h[r].values[j], c[j], total[r]);
        }
      }
      put(n);
      fetch(from, n + n_stride);
    }
    for (int distance = layout.lanes / 2; distance > 0; distance /= 2) {
#pragma unroll
      for (int r = 0; r < kStepRows; ++r) total[r] += __shfl_xor_sync(kAllLanes, total[r], distance);
    }

    float sum = 0;
#pragma unroll
    for (int r = 0; r < kStepRows; ++r) {
      if (lane % layout.lanes == 0 && channel[r] < P) {
        float ungated;
        const int64_t at = head * P + channel[r];
        const float y = finish_output<T>(p, row, head, at, x[r], total[r], ungated);
        store(static_cast<T*>(p.y.data) + row * p.y_stride + at, y);
        sum = add_channel(p.metric, sum, p.source == ImportanceSource::gated ? y : ungated);
      }
    }
    if (scores_outputs(p)) {
      sum = warp_sum(sum);
      if (lane == 0) sums[(int64_t(head) * layout.parts + part) * p.path.steps + k] = sum;
    }
    if (scores_steps(p) && part == 0 && lane == 0) sums[int64_t(head) * p.path.steps + k] = dt;
    if (to) from = to + state_at;
  }
}

}  // namespace skipscan::cuda
