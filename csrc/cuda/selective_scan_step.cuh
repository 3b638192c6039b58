// Mamba-1's scan where no sequence has more than one step, as in decoding: states are read, moved on by one step and written.
// The lanes of a channel share out its states, four at a time.
//
// Grid: sequences * spans of kStepThreads / lanes channels. Floor: the bytes of the states, once read and once written.
#pragma once
#include "cuda/selective_scan_tile.cuh"

namespace skipscan::cuda {

constexpr int kStepThreads = 256;

// `count` of four values, zeros behind them; all at once if they are `whole`, which is so if they lie on multiples of their
// size.
template <class T>
__device__ inline Pack<T, 4> load_states(const T* p, int count, bool whole) {
  if (whole) return load_pack<T, 4>(p);
  Pack<T, 4> pack;
#pragma unroll
  for (int i = 0; i < 4; ++i) pack.values[i] = i < count ? p[i] : T();
  return pack;
}
__device__ inline void store_states(float* p, const Pack<float, 4>& pack, int count, bool whole) {
  if (whole) {
    store_pack(p, pack);
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if (i < count) p[i] = pack.values[i];
  }
}

// ---- kernel

// `lanes`, a power of two up to 32, work on a channel.
template <class T>
__global__ void __launch_bounds__(kStepThreads)
    selective_scan_step(SelectiveScanParams p, ScanPlan plan, int lanes, bool whole) {
  SKIPSCAN_SHARED(float, terms, [kStepThreads]);
  const ScanSpan span = span_of_block(p, plan, kStepThreads / lanes);
  const int own = int(threadIdx.x) / lanes, first = int(threadIdx.x) % lanes * 4;
  const int channel = span.channel + own;
  const bool present = own < span.count, moves = span.begin < span.end;
  const int64_t A_at = int64_t(channel) * p.d_state, state_at = int64_t(blockIdx.x) * p.channels * p.d_state + A_at;

  Pack<float, 4> h = {}, A = {};
  const auto load_state = [&](int n) {
    const int count = present ? p.d_state - n : 0;
    if (count <= 0) return;
    if (p.state_in) h = load_states(p.state_in + state_at + n, count, whole);
    A = load_states(p.A + A_at + n, count, whole);
  };
  load_state(first);

  float dt = 0, decay = 0, u = 0, z = 0, sum = 0;
  int64_t row = 0;
  const T *B = nullptr, *C = nullptr;
  if (moves) {
    const int64_t param = p.path.param_index[span.begin], states = int64_t(span.group) * p.d_state;
    row = p.path.index[span.begin];
    B = row_of<T>(p.B, param, p.B_stride) + states;
    C = row_of<T>(p.C, param, p.C_stride) + states;
    if (present) {
      u = load(row_of<T>(p.u, row, p.u_stride) + channel);
      if (p.z.data) z = load(row_of<T>(p.z, row, p.z_stride) + channel);
      dt = step_size<T>(p, span.begin, channel, p.dt_bias ? p.dt_bias[channel] : 0);
      decay = dt;
      // No step is before a first one: alignment `previous` takes the dt that `next` does.
      if (p.alignment == Alignment::next || p.alignment == Alignment::previous)
        decay = float(p.path.gap[span.begin]) * dt;
      if (p.alignment == Alignment::own) decay += p.skipped_dt[span.begin * p.channels + channel];
    }
  }

  for (int n = first; n < p.d_state; n += lanes * 4) {
    if (n > first) load_state(n);
    const int count = p.d_state - n;
    if (moves) {
      const Pack<T, 4> b = load_states(B + n, count, whole), c = load_states(C + n, count, whole);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        h.values[i] = fmaf(fast_exp2(decay * (A.values[i] * kLog2e)), h.values[i], dt * u * b[i]);
        sum = fmaf(c[i], h.values[i], sum);
      }
    }
    if (p.state_out && present) store_states(p.state_out + state_at + n, h, count, whole);
  }
  for (int distance = lanes / 2; distance > 0; distance /= 2) sum += __shfl_xor_sync(kAllLanes, sum, distance);
  __syncwarp();        // y may be u, which all lanes of a channel have read
  if (!moves) return;  // the whole block does

  if (p.y_in.data && present && first == 0) sum += load(row_of<T>(p.y_in, row, p.y_stride) + channel);
  const float ungated = fmaf(p.D && present ? p.D[channel] : 0, u, sum) * p.y_scale;
  const float gated = p.z.data ? ungated * silu(z) : ungated;
  if (first == 0) {
    if (present) store(static_cast<T*>(p.y.data) + row * p.y_stride + channel, gated);
    const float scored = p.metric == ImportanceMetric::delta   ? dt
                         : p.source == ImportanceSource::gated ? gated
                                                               : ungated;
    terms[own] = present ? add_channel(p.metric, 0, scored) : 0;
  }
  if (!plan.sums) return;
  __syncthreads();
  const int part = int(threadIdx.x);
  if (part * kUnit >= span.count) return;
  const float* v = terms + part * kUnit;
  const float total = ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));  // as store_sums has it
  plan.sums[int64_t(span.part + part) * p.path.steps + span.begin] = total;
}

// ---- launcher

template <class T>
Status launch_selective_scan_step(const SelectiveScanParams& p, const ScanPlan& plan, Stream& stream) {
  int lanes = 1;
  while (lanes < kWarp && lanes * 4 < p.d_state) lanes *= 2;
  const bool whole = p.d_state % 4 == 0 && aligned(p.A, 0, 16) && aligned(p.state_in, 0, 16) &&
                     aligned(p.state_out, 0, 16) && aligned(p.B, p.B_stride, 4 * sizeof(T)) &&
                     aligned(p.C, p.C_stride, 4 * sizeof(T));
  return launch(stream, selective_scan_step<T>, span_blocks(p, kStepThreads / lanes), dim3(kStepThreads), 0, p, plan,
                lanes, whole);
}

}  // namespace skipscan::cuda
