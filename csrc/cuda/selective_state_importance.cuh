// Each token's share in the final state of Mamba-1's scan. Between a step and the end lies a sum of decays only, so that steps
// share nothing but that: a block takes the tiles of selective_scan_tile.cuh from the last one on, and its threads add up the
// decays of their own chunks and then those of the chunks behind.
//
// Grid: sequences * spans of kWidth channels. Floor: rows * channels * d_state exponentials, or the bytes of u and delta.
#pragma once
#include "cuda/selective_scan_tile.cuh"
#include "ops/selective_state_importance.h"

namespace skipscan::cuda {

template <class Tile>
struct StateImportanceShared {
  Tile tile;
  alignas(16) float A[Tile::kWidth * kSliceStates];  // times log2(e), of a slice: (quads, channels, four states)
  float elapsed[Tile::kChunks * Tile::kWidth];       // over each chunk
};

// 1 / norm of a channel's final state; 0 where that is 0.
__device__ inline float inverse_norm(const float* state, int d_state) {
  float squares = 0;
#pragma unroll 4
  for (int n = 0; n < d_state; ++n) squares = fmaf(state[n], state[n], squares);
  return squares > 0 || squares != squares ? 1 / sqrtf(squares) : 0;
}

// Loads A of a slice of states, zeros where there are none.
template <class Shared>
__device__ inline void load_decays(const SelectiveStateImportanceParams& p, const ScanSpan& span, int first_state,
                                   int width, Shared& shared) {
  for (int i = threadIdx.x; i < width * kSliceStates; i += blockDim.x) {
    const int channel = i / 4 % width, state = first_state + i / 4 / width * 4 + i % 4;
    const bool exists = channel < span.count && state < p.d_state;
    shared.A[i] = exists ? p.A[int64_t(span.channel + channel) * p.d_state + state] * kLog2e : 0;
  }
}

// ---- kernel

template <class T, int kWidth, int kThreads>
__global__ void __launch_bounds__(kThreads)
    selective_state_importance_chunked(SelectiveStateImportanceParams p, ScanPlan plan) {
  using Tile = ScanTile<T, kWidth, kThreads>;
  using Shared = StateImportanceShared<Tile>;
  using Quad = Pack<float, 4>;
  SKIPSCAN_DYNAMIC_SHARED(Shared, shared);
  Tile& tile = shared->tile;

  const ScanSpan span = span_of_block(p, plan, kWidth);
  if (span.begin == span.end) return;  // the whole block does
  const int own = int(threadIdx.x) % kWidth, first = int(threadIdx.x) / kWidth * kChunkSteps;
  const int moved = int(threadIdx.x) / Tile::kRowThreads;
  Chunk chunk;
  chunk.channel = span.channel + own;
  chunk.present = own < span.count;
  const float bias = p.dt_bias && chunk.present ? p.dt_bias[chunk.channel] : 0;
  const float scale =
      chunk.present ? inverse_norm(p.state + (int64_t(blockIdx.x) * p.channels + chunk.channel) * p.d_state, p.d_state)
                    : 0;
  const bool one_slice = p.d_state <= kSliceStates;

  int k = span.begin + (span.end - span.begin - 1) / Tile::kSteps * Tile::kSteps;
  const StagedStep first_step = staged_step(p, k + moved, span.end);
  start_rows(p, plan, span, first_step, tile, 0);
  start_states(p, plan, span, first_step, tile);
  cp_async_commit();
  if (one_slice) load_decays(p, span, 0, kWidth, *shared);

  float behind = 0;  // what elapses after the tile
  for (int buffer = 0; k >= span.begin; k -= Tile::kSteps, buffer ^= 1) {
    const int before = k - Tile::kSteps;
    const StagedStep next = staged_step(p, before + moved, before < span.begin ? before : span.end);
    cp_async_wait<0>();
    finish_states(p, plan, span, k + moved, 0, tile);
    __syncthreads();
    start_rows(p, plan, span, next, tile, buffer ^ 1);
    start_states(p, plan, span, next, tile);
    cp_async_commit();

    chunk.step = k + first;
    const int left = span.end - chunk.step;
    chunk.count = left < 0 ? 0 : left < kChunkSteps ? left : kChunkSteps;
    const T* const u = tile.rows[buffer][0] + Tile::row_at(first) + own;
    float elapsed[kChunkSteps], weight[kChunkSteps], squares[kChunkSteps], decay[kChunkSteps];
    step_sizes(p, chunk, bias, tile.rows[buffer][1] + Tile::row_at(first) + own, kWidth, weight);
    decay_times<T>(p, span, chunk, bias, weight, decay);
    float total = 0;
#pragma unroll
    for (int t = kChunkSteps - 1; t >= 0; --t) {
      elapsed[t] = total;
      total += decay[t];
      weight[t] *= fabsf(load(u + t * kWidth)) * scale;
      squares[t] = 0;
    }
    shared->elapsed[threadIdx.x] = total;
    __syncthreads();
    float after = behind;  // what elapses after the chunk
#pragma unroll 8
    for (int i = int(threadIdx.x) % kWidth + (Tile::kChunks - 1) * kWidth; i >= 0; i -= kWidth) {
      if (i == int(threadIdx.x)) after = behind;
      behind += shared->elapsed[i];
    }
#pragma unroll
    for (int t = 0; t < kChunkSteps; ++t) elapsed[t] += after;

    for (int slice = 0; slice < p.d_state; slice += kSliceStates) {
      if (slice > 0) {
        __syncthreads();
        finish_states(p, plan, span, k + moved, slice, tile);
      }
      if (!one_slice) {
        load_decays(p, span, slice, kWidth, *shared);
        __syncthreads();
      }
      const int states = p.d_state - slice < kSliceStates ? p.d_state - slice : kSliceStates;
      for (int n = 0; n < states; n += 4) {
        const Quad A = load_pack<float, 4>(shared->A + n * kWidth + own * 4);
#pragma unroll
        for (int t = 0; t < kChunkSteps; ++t) {
          const Quad B = load_pack<float, 4>(tile.B + Tile::states_at(first) + t * kSliceStates + n);
#pragma unroll
          for (int i = 0; i < 4; ++i) {
            const float left_over = B.values[i] * fast_exp2(elapsed[t] * A.values[i]);
            squares[t] = fmaf(left_over, left_over, squares[t]);
          }
        }
      }
    }
#pragma unroll
    for (int t = 0; t < kChunkSteps; ++t) weight[t] *= sqrtf(squares[t]);
    store_sums(plan, span, chunk, p.path.steps, weight);
    __syncthreads();
  }
  cp_async_wait<0>();
}

// ---- launcher

template <class T, int kWidth, int kThreads>
Status launch_selective_state_importance(const SelectiveStateImportanceParams& p, const ScanPlan& plan,
                                         Stream& stream) {
  using Shared = StateImportanceShared<ScanTile<T, kWidth, kThreads>>;
  return launch(stream, selective_state_importance_chunked<T, kWidth, kThreads>, span_blocks(p, kWidth), dim3(kThreads),
                sizeof(Shared), p, plan);
}

}  // namespace skipscan::cuda
