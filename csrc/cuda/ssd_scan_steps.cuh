// What the kernels of Mamba-2's scan share: time steps and their decays, the last touches of an output, and how a sequence is
// cut into segments.
#pragma once
#include "cuda/elements.cuh"
#include "cuda/importance.cuh"
#include "ops/ssd_scan.h"

namespace skipscan::cuda {

template <class T>
__device__ inline const T* typed(const ConstElements& e) {
  return static_cast<const T*>(e.data);
}

// ---- time

// There is one dt for each head, not for each channel: it may be exact.
__device__ inline float exact_softplus(float x) { return fmaxf(x, 0.f) + log1pf(expf(-fabsf(x))); }

// dt of a step after bias, softplus and clamp.
template <class T, class Params>
__device__ inline float step_size(const Params& p, int64_t step, int head) {
  float dt = load(typed<T>(p.dt) + p.path.param_index[step] * p.dt_stride + head);
  if (p.dt_bias) dt += p.dt_bias[head];
  if (p.softplus) dt = exact_softplus(dt);
  return fminf(fmaxf(dt, p.dt_min), p.dt_max);
}

// The time that passes over the state in a step whose dt is given (docs/reduction.md, section 2); the sequence of the step
// begins at `begin`.
template <class T, class Params>
__device__ inline float decay_time(const Params& p, int64_t begin, int64_t step, int head, float dt) {
  switch (p.alignment) {
    case Alignment::none: return dt;
    case Alignment::next: return float(p.path.gap[step]) * dt;
    case Alignment::previous: {
      const float dt_before = step > begin ? step_size<T>(p, step - 1, head) : dt;
      return fmaf(float(p.path.gap[step] - 1), dt_before, dt);
    }
    case Alignment::own: return dt + p.skipped_dt[step * p.heads + head];
  }
  return dt;
}

// exp(x) for x <= 0, with the relative accuracy of float32 near 1 too, where the decays of a long memory lie.
__device__ inline float exact_decay(float x) { return x > -0.25f ? 1 + expm1f(x) : expf(x); }

// ---- outputs

// (y + D x) * silu(z) for the channel `at` of a row, and in `ungated` what it is without the gate.
template <class T>
__device__ inline float finish_output(const SsdScanParams& p, int64_t row, int head, int64_t at, float x, float y,
                                      float& ungated) {
  ungated = p.D ? fmaf(p.D[p.D_per_channel ? at : head], x, y) : y;
  return p.z.data ? ungated * silu(load(typed<T>(p.z) + row * p.z_stride + at)) : ungated;
}

// Whether outputs, not time steps, are scored.
__device__ inline bool scores_outputs(const SsdScanParams& p) {
  return p.importance && p.metric != ImportanceMetric::delta;
}
__device__ inline bool scores_steps(const SsdScanParams& p) {
  return p.importance && p.metric == ImportanceMetric::delta;
}

// ---- segments
//
// Where sequences and heads alone are too few for the device, sequences are cut into segments of equal length (the last one
// may be shorter). Their states are found first, each from zeros, then carried over (ssd_scan_carry.cuh), then the outputs
// follow from the states that segments begin with.

struct SsdSegments {
  int32_t count = 1;        // of the longest sequence
  int32_t steps = 0;        // of a segment
  float* states = nullptr;  // (sequences, count, heads, head_dim, d_state), or null: not cut
  float* decays = nullptr;  // (sequences, count, heads): sums of decay * A
};

struct SegmentBounds {
  int sequence, index, sequence_begin, sequence_end, begin, end;
};

// Segment i, from 0 on in the order of the sequences.
__device__ inline SegmentBounds segment_bounds(const PathView& path, const SsdSegments& segments, int i) {
  SegmentBounds s;
  s.sequence = i / segments.count;
  s.index = i % segments.count;
  s.sequence_begin = path.offsets[s.sequence];
  s.sequence_end = path.offsets[s.sequence + 1];
  s.begin = min(s.sequence_begin + s.index * segments.steps, s.sequence_end);
  s.end = min(s.begin + segments.steps, s.sequence_end);
  return s;
}

// Whether a block has nothing to do: the sequence ends before the segment begins, or, where states are looked for, nothing
// comes after it. A sequence without steps has the outputs of its first segment: they are the state alone.
__device__ inline bool idle(const SegmentBounds& s, bool outputs) {
  if (outputs) return s.index > 0 && s.begin == s.end;
  return s.end == s.sequence_end;
}

// The state that a segment of a head begins with, or null: zeros; and where its last state goes, or null: not wanted.
__device__ inline const float* first_state(const SsdScanParams& p, const SsdSegments& segments, const SegmentBounds& s,
                                           int head, bool outputs) {
  const int64_t size = int64_t(p.head_dim) * p.d_state;
  if (!outputs || (s.index == 0 && !p.state_in)) return nullptr;
  if (segments.states)
    return segments.states + (int64_t(s.sequence * segments.count + s.index) * p.heads + head) * size;
  return p.state_in + (int64_t(s.sequence) * p.heads + head) * size;
}
__device__ inline float* last_state(const SsdScanParams& p, const SsdSegments& segments, const SegmentBounds& s,
                                    int head, bool outputs) {
  const int64_t size = int64_t(p.head_dim) * p.d_state;
  if (!outputs) return segments.states + (int64_t(s.sequence * segments.count + s.index) * p.heads + head) * size;
  return p.state_out && s.end == s.sequence_end ? p.state_out + (int64_t(s.sequence) * p.heads + head) * size : nullptr;
}

}  // namespace skipscan::cuda
