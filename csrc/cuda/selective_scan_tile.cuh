// What the forms of Mamba-1's scan share: how a block takes in a tile of steps while it works on the one before, what a step
// brings to a channel, and the last touches of an output.
//
// A block walks one sequence for kWidth neighbouring channels, tile by tile. A thread computes kChunkSteps consecutive steps of
// one channel in every tile, its chunk: the threads of a block are (chunks, channels). It also moves rows: 8 channels of one
// step for each tensor, 16 bytes of bf16 at a time, as the kWidth / 8 threads of a step share its row.
#pragma once
#include <type_traits>

#include "cuda/elements.cuh"
#include "cuda/importance.cuh"
#include "cuda/mma.cuh"
#include "ops/selective_scan.h"

namespace skipscan::cuda {

constexpr int kChunkSteps = 8;
constexpr int kUnit = 8;          // elements that a thread moves as one
constexpr int kSliceStates = 16;  // states of B and C in shared memory at a time

// What the host tells a kernel beside the operator's params.
struct ScanPlan {
  bool row_units = false;    // rows of u, delta and z can be moved in units
  bool y_units = false;      // rows of y can
  bool state_units = false;  // rows of B and C can
  float* states = nullptr;   // (sequences, channels, d_state): states between tiles where they are more than a slice
  float* sums = nullptr;     // (parts, steps): scores' sums over parts of the channels, or null: not wanted
  int parts = 0;             // of a group: kUnit channels each, fewer in the last
};

// The channels and steps of a block.
struct ScanSpan {
  int group, part;     // the first part of a score's sum
  int channel, count;  // the first one and how many, all of one group
  int begin, end;      // steps
};

// A block for each sequence and `width` channels of a group.
template <class Params>
dim3 span_blocks(const Params& p, int width) {
  return dim3(unsigned(p.path.sequences), unsigned(div_up(p.channels / p.groups, width) * p.groups));
}
template <class Params>
__device__ inline ScanSpan span_of_block(const Params& p, const ScanPlan& plan, int width) {
  const int per_group = p.channels / p.groups, spans = (per_group + width - 1) / width;
  const int group = int(blockIdx.y) / spans, offset = int(blockIdx.y) % spans * width;
  ScanSpan s;
  s.group = group;
  s.part = group * plan.parts + offset / kUnit;
  s.channel = group * per_group + offset;
  s.count = per_group - offset < width ? per_group - offset : width;
  s.begin = p.path.offsets[blockIdx.x];
  s.end = p.path.offsets[blockIdx.x + 1];
  return s;
}

template <class T>
__device__ inline const T* row_of(const ConstElements& e, int64_t row, int64_t stride) {
  return static_cast<const T*>(e.data) + row * stride;
}

// ---- tiles

template <class T, int kWidth_, int kThreads_>
struct ScanTile {
  using Element = T;
  static constexpr int kWidth = kWidth_, kThreads = kThreads_;
  static constexpr int kChunks = kThreads / kWidth, kSteps = kChunks * kChunkSteps;
  static constexpr int kRowThreads = kWidth / kUnit;    // that move the row of a step
  static constexpr int kRowsOfChunk = kChunkSteps + 1;  // one is padding: chunks lie in different banks
  static constexpr int kStatesOfChunk = kChunkSteps * kSliceStates + 4;  // as here
  static constexpr int kStateUnits = 2 * kSliceStates / kUnit;           // of a step's B and C
  static constexpr bool kBackground = sizeof(T) == 2;  // B and C arrive in the background, to be widened

  struct alignas(16) Unit {
    T values[kUnit];
  };

  // Row of a step in `rows`, and its first state in B and C.
  __device__ static constexpr int row_at(int step) { return (step + step / kChunkSteps) * kWidth; }
  __device__ static constexpr int states_at(int step) {
    return step / kChunkSteps * kStatesOfChunk + step % kChunkSteps * kSliceStates;
  }

  alignas(
      16) T rows[2][3][kChunks * kRowsOfChunk * kWidth];  // u, delta and z of this tile and of the next; y where u was
  alignas(16) float B[kChunks * kStatesOfChunk];
  alignas(16) float C[kChunks * kStatesOfChunk];
  Unit states[kBackground ? kStateUnits : 1][kBackground ? kSteps : 1];  // B and C of the next tile
};

// The rows of the step that a thread moves in a tile.
struct StagedStep {
  int row = -1, param = 0;  // row < 0: the sequence ends before the step

  __device__ bool exists() const { return row >= 0; }
};

template <class Params>
__device__ inline StagedStep staged_step(const Params& p, int step, int end) {
  StagedStep s;
  if (step < end) {
    s.row = p.path.index[step];
    s.param = p.path.param_index[step];
  }
  return s;
}

// Moves `count` elements, zeros behind them up to kUnit, in the background if they come as a unit.
template <class T>
__device__ inline void start_unit(T* to, const T* from, int count, bool as_unit) {
  if (as_unit) {
#pragma unroll
    for (int i = 0; i < kUnit; i += 16 / int(sizeof(T))) cp_async_16(to + i, from + i, count > 0 ? 16 : 0);
  } else {
#pragma unroll
    for (int i = 0; i < kUnit; ++i) to[i] = i < count ? from[i] : T();
  }
}

// Starts to take in this thread's part of the rows of a tile.
template <class Tile, class Params>
__device__ inline void start_rows(const Params& p, const ScanPlan& plan, const ScanSpan& span, StagedStep step,
                                  Tile& tile, int buffer) {
  using T = typename Tile::Element;
  const int part = int(threadIdx.x) % Tile::kRowThreads * kUnit;
  const int at = Tile::row_at(int(threadIdx.x) / Tile::kRowThreads) + part;
  const int count = step.exists() ? span.count - part : 0;
  const int64_t row = count > 0 ? step.row : 0, param = count > 0 ? step.param : 0;
  const int channel = count > 0 ? span.channel + part : 0;
  start_unit(tile.rows[buffer][0] + at, row_of<T>(p.u, row, p.u_stride) + channel, count, plan.row_units);
  start_unit(tile.rows[buffer][1] + at, row_of<T>(p.delta, param, p.delta_stride) + channel, count, plan.row_units);
  if constexpr (requires { p.z; }) {
    if (p.z.data)
      start_unit(tile.rows[buffer][2] + at, row_of<T>(p.z, row, p.z_stride) + channel, count, plan.row_units);
  }
}

// Units of a step's states in a slice: those of B, then those of C where there is one.
template <class Params>
constexpr int kStateUnitsOf = (requires(Params p) { p.C; } ? 2 : 1) * kSliceStates / kUnit;

// Unit i of a step's states: of B, then of C where there is one. `count` says how many of its elements exist.
template <class T, class Params>
__device__ inline const T* states_of(const Params& p, const ScanSpan& span, StagedStep step, int first_state, int i,
                                     int& count) {
  constexpr int kUnits = kSliceStates / kUnit;
  const int state = first_state + i % kUnits * kUnit;
  count = step.exists() ? p.d_state - state : 0;
  const int64_t row = count > 0 ? step.param : 0, column = count > 0 ? int64_t(span.group) * p.d_state + state : 0;
  if constexpr (requires { p.C; }) {
    if (i >= kUnits) return row_of<T>(p.C, row, p.C_stride) + column;
  }
  return row_of<T>(p.B, row, p.B_stride) + column;
}

// Starts to take in this thread's part of B and C of a tile, first slice, if that can be done in the background.
template <class Tile, class Params>
__device__ inline void start_states(const Params& p, const ScanPlan& plan, const ScanSpan& span, StagedStep step,
                                    Tile& tile) {
  if constexpr (Tile::kBackground) {
    if (!plan.state_units) return;
#pragma unroll
    for (int i = int(threadIdx.x) % Tile::kRowThreads; i < kStateUnitsOf<Params>; i += Tile::kRowThreads) {
      int count;
      const auto* from = states_of<typename Tile::Element>(p, span, step, 0, i, count);
      start_unit(tile.states[i][threadIdx.x / Tile::kRowThreads].values, from, count, true);
    }
  }
}

// Brings this thread's part of B and C of a step, widened, to where the block reads them.
template <class Tile, class Params>
__device__ inline void finish_states(const Params& p, const ScanPlan& plan, const ScanSpan& span, int step,
                                     int first_state, Tile& tile) {
  using T = typename Tile::Element;
  using Unit = typename Tile::Unit;
  const int moved = int(threadIdx.x) / Tile::kRowThreads;
#pragma unroll
  for (int i = int(threadIdx.x) % Tile::kRowThreads; i < kStateUnitsOf<Params>; i += Tile::kRowThreads) {
    Unit unit;
    if (Tile::kBackground && plan.state_units && first_state == 0) {
      unit = tile.states[i][moved];
    } else {
      int count;
      const T* from = states_of<T>(p, span, staged_step(p, step, span.end), first_state, i, count);
      if (plan.state_units && count > 0) {
        unit = *reinterpret_cast<const Unit*>(from);
      } else {
#pragma unroll
        for (int j = 0; j < kUnit; ++j) unit.values[j] = j < count ? from[j] : T();
      }
    }
    float* to = (i * kUnit < kSliceStates ? tile.B : tile.C) + Tile::states_at(moved) + i * kUnit % kSliceStates;
    Pack<float, 4> low, high;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      low.values[j] = load(unit.values + j);
      high.values[j] = load(unit.values + j + 4);
    }
    store_pack(to, low);
    store_pack(to + 4, high);
  }
}

// Writes this thread's part of the rows of y.
template <class Tile>
__device__ inline void write_rows(const SelectiveScanParams& p, const ScanPlan& plan, const ScanSpan& span,
                                  StagedStep step, const Tile& tile, int buffer) {
  using T = typename Tile::Element;
  const int part = int(threadIdx.x) % Tile::kRowThreads * kUnit, count = span.count - part;
  if (!step.exists() || count <= 0) return;
  const T* from = tile.rows[buffer][0] + Tile::row_at(int(threadIdx.x) / Tile::kRowThreads) + part;
  T* to = static_cast<T*>(p.y.data) + step.row * p.y_stride + span.channel + part;
  if (plan.y_units) {
    *reinterpret_cast<typename Tile::Unit*>(to) = *reinterpret_cast<const typename Tile::Unit*>(from);
  } else {
#pragma unroll
    for (int i = 0; i < kUnit; ++i) {
      if (i < count) to[i] = from[i];
    }
  }
}

// ---- steps

// What a thread computes: the channel, and the first step of its chunk in the tile with how many of its steps exist.
struct Chunk {
  int step, count;
  int channel;
  bool present;  // whether the channel exists
};

template <class T, class Params>
__device__ inline float step_size(const Params& p, int64_t step, int channel, float bias) {
  const float dt = load(row_of<T>(p.delta, p.path.param_index[step], p.delta_stride) + channel) + bias;
  return p.softplus ? softplus(dt) : dt;
}

// dt of a chunk's steps, 0 for those that do not exist. `delta` is the first one's, others follow `stride` elements apart.
template <class T, class Params>
__device__ inline void step_sizes(const Params& p, const Chunk& chunk, float bias, const T* delta, int stride,
                                  float (&dt)[kChunkSteps]) {
#pragma unroll
  for (int t = 0; t < kChunkSteps; ++t) dt[t] = load(delta + t * stride) + bias;
  if (p.softplus) {
#pragma unroll
    for (int t = 0; t < kChunkSteps; ++t) dt[t] = softplus(dt[t]);
  }
  const int count = chunk.present ? chunk.count : 0;
  if (count == kChunkSteps) return;
#pragma unroll
  for (int t = 0; t < kChunkSteps; ++t) dt[t] = t < count ? dt[t] : 0;
}

// The time that passes over the state in each step (docs/reduction.md, section 2); 0 for steps that do not exist.
template <class T, class Params>
__device__ inline void decay_times(const Params& p, const ScanSpan& span, const Chunk& chunk, float bias,
                                   const float (&dt)[kChunkSteps], float (&decay)[kChunkSteps]) {
#pragma unroll
  for (int t = 0; t < kChunkSteps; ++t) decay[t] = dt[t];
  if (p.alignment == Alignment::none || !chunk.present) return;
  if (p.alignment == Alignment::own) {
#pragma unroll
    for (int t = 0; t < kChunkSteps; ++t) {
      if (t < chunk.count) decay[t] += p.skipped_dt[int64_t(chunk.step + t) * p.channels + chunk.channel];
    }
    return;
  }
  float before = dt[0];
  if (p.alignment == Alignment::previous && chunk.step > span.begin && chunk.count > 0) {
    before = step_size<T>(p, chunk.step - 1, chunk.channel, bias);
  }
#pragma unroll
  for (int t = 0; t < kChunkSteps; ++t) {
    const float skipped = t < chunk.count ? float(p.path.gap[chunk.step + t] - 1) : 0;
    decay[t] = fmaf(skipped, p.alignment == Alignment::next ? dt[t] : before, dt[t]);
    before = dt[t];
  }
}

// ---- scores

// Stores the sums of each step over kUnit neighbouring channels, which lie in neighbouring lanes; absent ones are 0.
__device__ inline void store_sums(const ScanPlan& plan, const ScanSpan& span, const Chunk& chunk, int64_t steps,
                                  float (&v)[kChunkSteps]) {
  static_assert(kChunkSteps == kUnit, "each lane ends with the sum of one step");
  const int lane = int(threadIdx.x) % kUnit;
#pragma unroll
  for (int half = kUnit / 2; half > 0; half /= 2) {
    const bool upper = lane & half;
#pragma unroll
    for (int t = 0; t < half; ++t) {
      const float kept = upper ? v[t + half] : v[t], given = upper ? v[t] : v[t + half];
      v[t] = kept + __shfl_xor_sync(kAllLanes, given, half);
    }
  }
  const int channel = chunk.channel - span.channel - lane;  // the first of the part, in the span
  if (channel >= span.count || lane >= chunk.count) return;
  plan.sums[(span.part + channel / kUnit) * steps + chunk.step + lane] = v[0];
}

// Adds what earlier scans gave to y of a chunk's steps, and scales the sums. Nobody has taken these rows in: a tile without them
// leaves room for more blocks, which hide the way that they come.
template <class T>
__device__ inline void add_earlier_scans(const SelectiveScanParams& p, const Chunk& chunk, float (&y)[kChunkSteps]) {
  const int count = p.y_in.data && chunk.present ? chunk.count : 0;
#pragma unroll
  for (int t = 0; t < kChunkSteps; ++t) {
    const T* const earlier = row_of<T>(p.y_in, t < count ? p.path.index[chunk.step + t] : 0, p.y_stride);
    y[t] = (t < count ? y[t] + load(earlier + chunk.channel) : y[t]) * p.y_scale;
  }
}

// Gates y of a chunk's steps and puts it where the block writes it from. Elements of `out` and z lie `stride` apart.
template <class T>
__device__ inline void finish_outputs(const SelectiveScanParams& p, const ScanPlan& plan, const ScanSpan& span,
                                      const Chunk& chunk, float (&y)[kChunkSteps], const T* z, T* out, int stride) {
  if (p.y_in.data || p.y_scale != 1) add_earlier_scans<T>(p, chunk, y);
  const bool scored = plan.sums && p.metric != ImportanceMetric::delta;
  float terms[kChunkSteps];
#pragma unroll
  for (int t = 0; t < kChunkSteps; ++t) {
    const float gated = p.z.data ? y[t] * silu(load(z + t * stride)) : y[t];
    store(out + t * stride, gated);
    terms[t] = chunk.present ? (p.source == ImportanceSource::gated ? gated : y[t]) : 0;
  }
  if (scored) {
#pragma unroll
    for (int t = 0; t < kChunkSteps; ++t) terms[t] = add_channel(p.metric, 0, terms[t]);
    store_sums(plan, span, chunk, p.path.steps, terms);
  }
}

}  // namespace skipscan::cuda
