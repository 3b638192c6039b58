// Mamba-1's scan where sequences and channels alone are too few for the device: a block takes kChunks * kChunkSteps steps of
// kWidth channels at a time, and its threads share out the steps as well.
//
// For four states at a time, a thread walks its chunk from zeros and keeps the decays, the exponentials of which bound this
// operator; a few threads then carry the states over the chunks; at last every thread walks its chunk again, from the right
// state, without exponentials. Steps are cut into chunks from a sequence's first one on, and the carry goes from chunk to chunk
// across tiles too, so that results depend neither on kWidth nor on kThreads.
//
// Grid: sequences * spans of kWidth channels. Floor: rows * channels * (d_state + 4) exponentials and the like, or the bytes
// of u, delta, z and y.
#pragma once
#include "cuda/selective_scan_tile.cuh"

namespace skipscan::cuda {

constexpr int kQuad = 4;  // states at a time

template <class Tile>
struct ChunkedShared {
  static constexpr int kQuads = kSliceStates / kQuad, kPairs = Tile::kWidth * kQuad, kChunks = Tile::kChunks;

  Tile tile;
  alignas(16) float A[kQuads][kPairs];        // times log2(e), as (channels, states of the quad)
  alignas(16) float carry[kQuads][kPairs];    // the state after the last tile
  alignas(16) float state[kChunks * kPairs];  // of a quad: after each chunk from zeros, then before it
  alignas(16) float decay[kChunks * kPairs];  // over each chunk
};

// Elements (channel, state) of a span's A or states in rows of d_state; beyond d_state or the span there are none.
struct QuadElement {
  int64_t at;
  bool exists;
};
__device__ inline QuadElement quad_element(const SelectiveScanParams& p, const ScanSpan& span, int first_state, int i) {
  const int channel = i / kQuad, state = first_state + i % kQuad;
  return {int64_t(span.channel + channel) * p.d_state + state, channel < span.count && state < p.d_state};
}

// Loads A of a slice of states and the states before the tile.
template <class Shared>
__device__ inline void load_slice(const SelectiveScanParams& p, const ScanSpan& span, const float* states,
                                  int first_state, Shared& shared) {
  for (int i = threadIdx.x; i < Shared::kQuads * Shared::kPairs; i += blockDim.x) {
    const int quad = i / Shared::kPairs, pair = i % Shared::kPairs;
    const QuadElement e = quad_element(p, span, first_state + quad * kQuad, pair);
    shared.A[quad][pair] = e.exists ? p.A[e.at] * kLog2e : 0;
    shared.carry[quad][pair] = e.exists && states ? states[int64_t(blockIdx.x) * p.channels * p.d_state + e.at] : 0;
  }
}

template <class Shared>
__device__ inline void store_slice(const SelectiveScanParams& p, const ScanSpan& span, float* states, int first_state,
                                   const Shared& shared) {
  for (int i = threadIdx.x; i < Shared::kQuads * Shared::kPairs; i += blockDim.x) {
    const int quad = i / Shared::kPairs, pair = i % Shared::kPairs;
    const QuadElement e = quad_element(p, span, first_state + quad * kQuad, pair);
    if (e.exists) states[int64_t(blockIdx.x) * p.channels * p.d_state + e.at] = shared.carry[quad][pair];
  }
}

// Moves the states of a quad over a thread's chunk and adds C . h to y. The whole block calls together.
template <class Shared>
__device__ inline void scan_quad(Shared& shared, int quad, const float* B, const float* C, float elapsed,
                                 const float (&decay)[kChunkSteps], const float (&x)[kChunkSteps],
                                 float (&y)[kChunkSteps]) {
  using Quad = Pack<float, kQuad>;
  constexpr int kPairs = Shared::kPairs;
  const int mine = int(threadIdx.x) * kQuad;

  float a[kChunkSteps][kQuad];
  {
    const Quad A = load_pack<float, kQuad>(shared.A[quad] + mine % kPairs);
    Quad h, over;
#pragma unroll
    for (int t = 0; t < kChunkSteps; ++t) {
      const Quad b = load_pack<float, kQuad>(B + t * kSliceStates);
#pragma unroll
      for (int i = 0; i < kQuad; ++i) {
        a[t][i] = fast_exp2(decay[t] * A.values[i]);
        h.values[i] = t == 0 ? x[t] * b.values[i] : fmaf(a[t][i], h.values[i], x[t] * b.values[i]);
      }
    }
#pragma unroll
    for (int i = 0; i < kQuad; ++i) over.values[i] = fast_exp2(elapsed * A.values[i]);
    store_pack(shared.state + mine, h);
    store_pack(shared.decay + mine, over);
  }
  __syncthreads();

  if (threadIdx.x < kPairs) {
    float h = shared.carry[quad][threadIdx.x];
#pragma unroll 8
    for (int chunk = 0; chunk < Shared::kChunks; ++chunk) {
      float& state = shared.state[chunk * kPairs + threadIdx.x];
      const float after = state;
      state = h;
      h = fmaf(shared.decay[chunk * kPairs + threadIdx.x], h, after);
    }
    shared.carry[quad][threadIdx.x] = h;
  }
  __syncthreads();

  Quad h = load_pack<float, kQuad>(shared.state + mine);
#pragma unroll
  for (int t = 0; t < kChunkSteps; ++t) {
    const Quad b = load_pack<float, kQuad>(B + t * kSliceStates), c = load_pack<float, kQuad>(C + t * kSliceStates);
#pragma unroll
    for (int i = 0; i < kQuad; ++i) {
      h.values[i] = fmaf(a[t][i], h.values[i], x[t] * b.values[i]);
      y[t] = fmaf(c.values[i], h.values[i], y[t]);
    }
  }
}

// ---- kernel

// How many blocks of a multiprocessor the registers of each leave room for. On Hopper, narrow ones of bf16 are as many as its
// shared memory has room for, so that the 640 blocks of 5120 channels run on 132 multiprocessors at a time.
template <class T, int kWidth, int kThreads, bool kSliced>
__host__ __device__ constexpr int chunked_blocks() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ == 900
  return kWidth == 8 && kThreads == 128 && sizeof(T) == 2 && !kSliced ? 5 : 512 / kThreads;
#else
  return 384 / kThreads;
#endif
}

// kSliced: whether there are more states than a slice; then A and the states before a tile are loaded anew for each slice.
template <class T, int kWidth, int kThreads, bool kSliced>
__global__ void __launch_bounds__(kThreads, (chunked_blocks<T, kWidth, kThreads, kSliced>()))
    selective_scan_chunked(SelectiveScanParams p, ScanPlan plan) {
  using Tile = ScanTile<T, kWidth, kThreads>;
  using Shared = ChunkedShared<Tile>;
  SKIPSCAN_DYNAMIC_SHARED(Shared, shared);
  Tile& tile = shared->tile;

  const ScanSpan span = span_of_block(p, plan, kWidth);
  const int own = int(threadIdx.x) % kWidth, first = int(threadIdx.x) / kWidth * kChunkSteps;
  const int moved = int(threadIdx.x) / Tile::kRowThreads;
  Chunk chunk;
  chunk.channel = span.channel + own;
  chunk.present = own < span.count;

  const StagedStep first_step = staged_step(p, span.begin + moved, span.end);
  start_rows(p, plan, span, first_step, tile, 0);
  start_states(p, plan, span, first_step, tile);
  cp_async_commit();
  if constexpr (!kSliced) load_slice(p, span, p.state_in, 0, *shared);

  int buffer = 0;
  for (int k = span.begin; k < span.end; k += Tile::kSteps, buffer ^= 1) {
    // Little stays in registers over the tile: they are what limits how many blocks a multiprocessor has.
    const StagedStep next = staged_step(p, k + Tile::kSteps + moved, span.end);
    const float bias = p.dt_bias && chunk.present ? p.dt_bias[chunk.channel] : 0;
    const float D = p.D && chunk.present ? p.D[chunk.channel] : 0;
    cp_async_wait<0>();
    finish_states(p, plan, span, k + moved, 0, tile);
    __syncthreads();
    start_rows(p, plan, span, next, tile, buffer ^ 1);
    start_states(p, plan, span, next, tile);
    cp_async_commit();

    chunk.step = k + first;
    const int left = span.end - chunk.step;
    chunk.count = left < 0 ? 0 : left < kChunkSteps ? left : kChunkSteps;
    T* const u = tile.rows[buffer][0] + Tile::row_at(first) + own;
    const T* const delta = tile.rows[buffer][1] + Tile::row_at(first) + own;
    const T* const z = tile.rows[buffer][2] + Tile::row_at(first) + own;
    const float* const B = tile.B + Tile::states_at(first);
    const float* const C = tile.C + Tile::states_at(first);

    float decay[kChunkSteps], x[kChunkSteps], y[kChunkSteps], elapsed = 0;
    step_sizes(p, chunk, bias, delta, kWidth, x);
    decay_times<T>(p, span, chunk, bias, x, decay);
    if (plan.sums && p.metric == ImportanceMetric::delta) {
      float terms[kChunkSteps];
#pragma unroll
      for (int t = 0; t < kChunkSteps; ++t) terms[t] = x[t];
      store_sums(plan, span, chunk, p.path.steps, terms);
    }
#pragma unroll
    for (int t = 0; t < kChunkSteps; ++t) {
      elapsed += decay[t];
      const float input = load(u + t * kWidth);
      x[t] *= input;
      y[t] = D * input;
    }

    const auto scan_slice = [&](int states) {
      for (int quad = 0; quad * kQuad < states; ++quad) {
        scan_quad(*shared, quad, B + quad * kQuad, C + quad * kQuad, elapsed, decay, x, y);
      }
    };
    if constexpr (!kSliced) {
      scan_slice(p.d_state);
    } else {
      for (int slice = 0; slice < p.d_state; slice += kSliceStates) {
        if (slice > 0) {
          __syncthreads();
          finish_states(p, plan, span, k + moved, slice, tile);
        }
        load_slice(p, span, k == span.begin ? p.state_in : plan.states, slice, *shared);
        __syncthreads();
        scan_slice(p.d_state - slice < kSliceStates ? p.d_state - slice : kSliceStates);
        __syncthreads();
        store_slice(p, span, plan.states, slice, *shared);
      }
    }

    finish_outputs(p, plan, span, chunk, y, z, u, kWidth);
    const StagedStep written = staged_step(p, k + moved, span.end);
    __syncthreads();
    write_rows(p, plan, span, written, tile, buffer);
  }
  cp_async_wait<0>();
  __syncthreads();
  if (!p.state_out) return;
  if constexpr (!kSliced) {
    store_slice(p, span, p.state_out, 0, *shared);
  } else if (span.begin == span.end) {
    for (int slice = 0; slice < p.d_state; slice += kSliceStates) {
      load_slice(p, span, p.state_in, slice, *shared);
      store_slice(p, span, p.state_out, slice, *shared);  // each thread what it has loaded
    }
  }
}

// ---- launcher

template <class T, int kWidth, int kThreads, bool kSliced = false>
Status launch_selective_scan_chunked(const SelectiveScanParams& p, const ScanPlan& plan, Stream& stream) {
  return launch(stream, selective_scan_chunked<T, kWidth, kThreads, kSliced>, span_blocks(p, kWidth), dim3(kThreads),
                sizeof(ChunkedShared<ScanTile<T, kWidth, kThreads>>), p, plan);
}

}  // namespace skipscan::cuda
