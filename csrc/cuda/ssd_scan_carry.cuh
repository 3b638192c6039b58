// The small kernels around Mamba-2's scan: states carried over segments, and scores from the sums of their parts.
#pragma once
#include "cuda/ssd_scan_steps.cuh"

namespace skipscan::cuda {

// Turns the states that segments end with when they begin with zeros into those that they begin with:
//   first[0] = state_in   first[i + 1] = exp(decay[i]) * first[i] + last[i]
// Grid: (elements of a head's state / threads, heads, sequences). Floor: count - 1 states read and count written per sequence.
template <int kVec>
__global__ void ssd_carry(SsdScanParams p, SsdSegments segments) {
  using Values = Pack<float, kVec>;
  const int64_t size = int64_t(p.head_dim) * p.d_state, all = p.heads * size, sequence = blockIdx.z;
  const int64_t i = (int64_t(blockIdx.x) * blockDim.x + threadIdx.x) * kVec, head = blockIdx.y;
  if (i >= size) return;
  const int steps = p.path.offsets[sequence + 1] - p.path.offsets[sequence];
  const int count = (steps + segments.steps - 1) / segments.steps;
  float* state = segments.states + sequence * segments.count * all + head * size + i;
  const float* decay = segments.decays + sequence * segments.count * p.heads + head;

  Values first;
#pragma unroll
  for (int j = 0; j < kVec; ++j) first.values[j] = 0;
  if (p.state_in) first = load_pack<float, kVec>(p.state_in + sequence * all + head * size + i);
#pragma unroll 4
  for (int s = 0; s + 1 < count; ++s, state += all, decay += p.heads) {
    const Values last = load_pack<float, kVec>(state);
    if (s > 0 || p.state_in) store_pack(state, first);
    const float factor = expf(*decay);
#pragma unroll
    for (int j = 0; j < kVec; ++j) first.values[j] = fmaf(factor, first.values[j], last.values[j]);
  }
  if (count > 1 || p.state_in) store_pack(state, first);
}

inline Status launch_ssd_carry(const SsdScanParams& p, const SsdSegments& segments, Stream& stream) {
  constexpr int kThreads = 128;
  const int64_t size = int64_t(p.head_dim) * p.d_state;
  const bool packs = size % 4 == 0 && (!p.state_in || aligned(p.state_in, 0, 16));
  const dim3 grid(unsigned(div_up(size, kThreads * (packs ? 4 : 1))), unsigned(p.heads), unsigned(p.path.sequences));
  return launch(stream, packs ? ssd_carry<4> : ssd_carry<1>, grid, dim3(kThreads), 0, p, segments);
}

// scores of all steps from `sums`, (parts, steps). Grid: steps / threads. Floor: the sums, read once.
__global__ void ssd_scores(SsdScanParams p, const float* sums, int parts, float channels) {
  const int64_t step = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (step >= p.path.steps) return;
  float total = 0;
#pragma unroll 8
  for (int64_t i = 0; i < parts; ++i) total += sums[i * p.path.steps + step];
  const int32_t* rows = p.metric == ImportanceMetric::delta ? p.path.param_index : p.path.index;
  p.importance[rows[step]] = score(p.metric, total / channels);
}

inline Status launch_ssd_scores(const SsdScanParams& p, const float* sums, int parts, Stream& stream) {
  constexpr int kThreads = 64;
  if (p.path.steps == 0) return {};
  const float channels = float(p.heads) * float(p.metric == ImportanceMetric::delta ? 1 : p.head_dim);
  return launch(stream, ssd_scores, dim3(unsigned(div_up(p.path.steps, kThreads))), dim3(kThreads), 0, p, sums, parts,
                channels);
}

}  // namespace skipscan::cuda
