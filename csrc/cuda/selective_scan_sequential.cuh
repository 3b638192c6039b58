// Mamba-1's scan where sequences and channels alone fill the device: a thread walks its channel through all steps with the
// d_state <= kSliceStates states in registers, and the block takes in rows, B and C a tile ahead.
//
// Exponentials bound it, so that some states take theirs from a polynomial, which other units of the device compute.
//
// Grid: sequences * spans of kWidth channels, a thread each. Floor: rows * channels * (d_state + 4) exponentials and the like, or
// the bytes of u, delta, z and y.
#pragma once
#include "cuda/selective_scan_tile.cuh"

namespace skipscan::cuda {

constexpr int kPolynomialShare = 16;  // one of so many states

// 2^x by a polynomial, for x < 128; relative error 2e-7, none at 0. What is below 2^-126 becomes about that.
__device__ inline float polynomial_exp2(float x) {
  constexpr float kRound = 0x1.8p23f;  // adding it leaves an integer in the low bits
  x = fmaxf(x, -126.f);
  const float shifted = x + kRound, f = x - (shifted - kRound);
  float p = fmaf(0.0013264727f, f, 0.0096715130f);
  p = fmaf(p, f, 0.055507336f);
  p = fmaf(p, f, 0.24022242f);
  p = fmaf(p, f, 0.69314700f);
  p = fmaf(p, f, 1.f);
  return __uint_as_float(__float_as_uint(p) + (__float_as_uint(shifted) << 23));
}

// ---- kernel

template <class T, int kWidth>
__global__ void __launch_bounds__(kWidth, 8) selective_scan_sequential(SelectiveScanParams p, ScanPlan plan) {
  using Tile = ScanTile<T, kWidth, kWidth>;
  using Quad = Pack<float, 4>;
  SKIPSCAN_DYNAMIC_SHARED(Tile, tile);

  const ScanSpan span = span_of_block(p, plan, kWidth);
  const int moved = int(threadIdx.x) / Tile::kRowThreads;
  Chunk chunk;
  chunk.channel = span.channel + int(threadIdx.x);
  chunk.present = int(threadIdx.x) < span.count;
  const float bias = p.dt_bias && chunk.present ? p.dt_bias[chunk.channel] : 0;
  const float D = p.D && chunk.present ? p.D[chunk.channel] : 0;

  float A[kSliceStates], h[kSliceStates];
  const int64_t state_at = (int64_t(blockIdx.x) * p.channels + chunk.channel) * p.d_state;
#pragma unroll
  for (int n = 0; n < kSliceStates; ++n) {
    const bool exists = chunk.present && n < p.d_state;
    A[n] = exists ? p.A[int64_t(chunk.channel) * p.d_state + n] * kLog2e : 0;
    h[n] = exists && p.state_in ? p.state_in[state_at + n] : 0;
  }

  const StagedStep first_step = staged_step(p, span.begin + moved, span.end);
  start_rows(p, plan, span, first_step, *tile, 0);
  start_states(p, plan, span, first_step, *tile);
  cp_async_commit();

  int buffer = 0;
  for (chunk.step = span.begin; chunk.step < span.end; chunk.step += Tile::kSteps, buffer ^= 1) {
    const StagedStep next = staged_step(p, chunk.step + Tile::kSteps + moved, span.end);
    cp_async_wait<0>();
    finish_states(p, plan, span, chunk.step + moved, 0, *tile);
    __syncthreads();
    start_rows(p, plan, span, next, *tile, buffer ^ 1);
    start_states(p, plan, span, next, *tile);
    cp_async_commit();

    chunk.count = span.end - chunk.step < kChunkSteps ? span.end - chunk.step : kChunkSteps;
    T* const u = tile->rows[buffer][0] + threadIdx.x;
    float decay[kChunkSteps], x[kChunkSteps], y[kChunkSteps];
    step_sizes(p, chunk, bias, tile->rows[buffer][1] + threadIdx.x, kWidth, x);
    decay_times<T>(p, span, chunk, bias, x, decay);
    if (plan.sums && p.metric == ImportanceMetric::delta) {
      float terms[kChunkSteps];
#pragma unroll
      for (int t = 0; t < kChunkSteps; ++t) terms[t] = x[t];
      store_sums(plan, span, chunk, p.path.steps, terms);
    }

#pragma unroll
    for (int t = 0; t < kChunkSteps; ++t) {
      const float input = load(u + t * kWidth);
      x[t] *= input;
      float sums[2] = {D * input, 0};
#pragma unroll
      for (int n = 0; n < kSliceStates; n += 4) {
        const Quad B = load_pack<float, 4>(tile->B + Tile::states_at(t) + n);
        const Quad C = load_pack<float, 4>(tile->C + Tile::states_at(t) + n);
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const float exponent = decay[t] * A[n + i];
          const float a = (n + i) % kPolynomialShare == 0 ? polynomial_exp2(exponent) : fast_exp2(exponent);
          h[n + i] = fmaf(a, h[n + i], x[t] * B.values[i]);
          sums[i % 2] = fmaf(C.values[i], h[n + i], sums[i % 2]);
        }
      }
      y[t] = sums[0] + sums[1];
    }

    finish_outputs(p, plan, span, chunk, y, tile->rows[buffer][2] + threadIdx.x, u, kWidth);
    const StagedStep written = staged_step(p, chunk.step + moved, span.end);
    __syncthreads();
    write_rows(p, plan, span, written, *tile, buffer);
  }
  cp_async_wait<0>();
  if (p.state_out && chunk.present) {
#pragma unroll
    for (int n = 0; n < kSliceStates; ++n) {
      if (n < p.d_state) p.state_out[state_at + n] = h[n];
    }
  }
}

// ---- launcher

template <class T>
Status launch_selective_scan_sequential(const SelectiveScanParams& p, const ScanPlan& plan, Stream& stream) {
  constexpr int kWidth = 64;
  return launch(stream, selective_scan_sequential<T, kWidth>, span_blocks(p, kWidth), dim3(kWidth),
                sizeof(ScanTile<T, kWidth, kWidth>), p, plan);
}

}  // namespace skipscan::cuda
