// Mamba-2's scan in chunks of 64 steps, as products on tensor cores (arXiv 2405.21060, section 6), for bf16 and f16. With cum
// the sum of decay * A from a chunk's first step on,
//   Y = exp(cum) C H^T + (C B^T o L) X        L[i][j] = dt_j exp(cum_i - cum_j) for j <= i, else 0
//   H = exp(cum_last) H + (w X)^T B           w_j = dt_j exp(cum_last - cum_j)
// A block walks along its segment with 4 warps. Each of them has 32 channels of a head (16 where there are 256 states) and
// keeps their states H in registers, in float32: states touch memory only where a segment begins and ends. The heads of a
// block are of one group and share C B^T.
//
// Operands are rounded to T, which concerns C B^T o L, w X and, for Y alone, H; sums are float32. mamba_ssm
// rounds as often (w B in place of w X).
//
// Grid: blocks of heads, segments, sequences, the first the fastest. Floor, with P = head_dim and N = d_state: x read and y
// written once; for each step of a head, 4 P N + 80 P FLOPs, and 80 N for C B^T shared by the heads of a block.
#pragma once
#include "cuda/ssd_scan_chunk_products.cuh"

namespace skipscan::cuda {

// kOutputs as in ssd_recurrent. sums: (heads * head_dim / channels of a warp, steps), or (heads, steps).
template <class T, int kStates, bool kOutputs>
__global__ void __launch_bounds__(kChunkThreads, 2)
    ssd_chunked(SsdScanParams p, SsdSegments segments, SsdChunkLayout layout, float* sums) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800  // nobody chooses it before
  using Warp = ChunkWarp<T, kStates>;
  constexpr int kQ = kChunkSteps, kOfWarp = Warp::kOfWarp, kOfBlock = Warp::kOfBlock;
  const int tid = int(threadIdx.x), warp_in_block = warp_index();

  const int blocks = p.groups * layout.blocks, block = int(blockIdx.x) % blocks;
  const SegmentBounds s = segment_bounds(p.path, segments, int(blockIdx.x) / blocks);
  if (idle(s, kOutputs)) return;
  const int of_group = p.heads / p.groups, group = block / layout.blocks, part = block % layout.blocks % layout.parts;
  const int first_head = group * of_group + block % layout.blocks / layout.parts * layout.heads;
  const int heads = min(layout.heads, (group + 1) * of_group - first_head);
  const int first_channel = first_head * p.head_dim + part * kOfBlock;

  Warp warp;
  warp.lane = lane_index();
  warp.g = warp.lane / 4;
  warp.t = warp.lane % 4;
  warp.column = warp_in_block * kOfWarp;
  warp.channel = first_channel + warp.column;
  warp.slot = layout.parts > 1 ? 0 : warp.column / p.head_dim;
  warp.head = first_head + warp.slot;
  warp.exists = warp.slot < heads;

  SKIPSCAN_DYNAMIC_SHARED(T, shared);
  const int stages = layout.stages;
  T* const X_stages = shared + stages * kQ * kStates;
  const Tile<T, kStates> C{X_stages + stages * kQ * kOfBlock};
  T* const M_heads = C.data + (kOutputs ? kQ * kStates : 0);
  ChunkTimes* const times = reinterpret_cast<ChunkTimes*>(M_heads + (kOutputs ? layout.heads * kQ * kQ : 0));
  int* const rows =
      reinterpret_cast<int*>(times + 2 * layout.heads);  // (2, 2, kQ): index and param_index of two chunks

  const auto B_of = [&](int chunk) { return Tile<T, kStates>{shared + (chunk & (stages - 1)) * kQ * kStates}; };
  const auto X_of = [&](int chunk) { return Tile<T, kOfBlock>{X_stages + (chunk & (stages - 1)) * kQ * kOfBlock}; };
  const auto times_of = [&](int chunk) { return times + (chunk & 1) * layout.heads; };
  const auto rows_of = [&](int chunk) { return rows + (chunk & 1) * 2 * kQ; };
  const auto param_rows_of = [&](int chunk) { return rows_of(chunk) + kQ; };
  const auto path_row = [&](const int32_t* path, int chunk) {
    const int k = s.begin + chunk * kQ + tid;
    return tid < kQ && k < s.end ? path[k] : 0;
  };
  const auto put_rows = [&](int chunk, int row, int param_row) {
    if (tid < kQ) {
      rows_of(chunk)[tid] = row;
      param_rows_of(chunk)[tid] = param_row;
    }
  };
  const auto copy_B_and_X = [&](int chunk) {
    const int columns = layout.parts > 1 ? kOfBlock : heads * p.head_dim, steps = s.end - s.begin - chunk * kQ;
    B_of(chunk).copy(typed<T>(p.B) + group * kStates, int(p.B_stride), kStates, param_rows_of(chunk), steps);
    X_of(chunk).copy(typed<T>(p.x) + first_channel, int(p.x_stride), columns, rows_of(chunk), steps);
    cp_async_commit();
  };
  const auto copy_C = [&](int chunk) {
    if (!kOutputs) return;
    C.copy(typed<T>(p.C) + group * kStates, int(p.C_stride), kStates, param_rows_of(chunk),
           s.end - s.begin - chunk * kQ);
    cp_async_commit();
  };

  // The first warps keep the time, one head each; those without a head have steps of no length.
  const bool keeps_time = warp_in_block < layout.heads;
  const int head_of_time = first_head + min(warp_in_block, heads - 1), end_of_time = warp_in_block < heads ? s.end : 0;
  const auto fetch_chunk_times = [&](int chunk) {
    return fetch_times<T>(p, head_of_time, param_rows_of(chunk), s.begin + chunk * kQ, end_of_time);
  };
  const auto put_chunk_times = [&](int chunk, const ChunkTimeInputs& in, const ChunkTimes* before,
                                   bool starts_sequence) {
    const int k = s.begin + chunk * kQ;
    const bool scored = kOutputs && scores_steps(p) && part == 0;
    put_times<T>(p, head_of_time, in, k, end_of_time, before, starts_sequence, times_of(chunk)[warp_in_block],
                 scored ? sums + int64_t(head_of_time) * p.path.steps + k : nullptr);
  };

  // Where the last states and the sums of scores of each warp go is put aside: registers are what this kernel is short of.
  SKIPSCAN_SHARED(float*, last_states, [kChunkThreads / kWarp]);
  SKIPSCAN_SHARED(float*, sums_of_warps, [kChunkThreads / kWarp]);
  if (warp.lane == 0) {
    last_states[warp_in_block] = warp.exists ? last_state(p, segments, s, warp.head, kOutputs) : nullptr;
    sums_of_warps[warp_in_block] = scores_outputs(p) ? sums + int64_t(warp.channel / kOfWarp) * p.path.steps : nullptr;
  }

  const int chunks = (s.end - s.begin + kQ - 1) / kQ;
  put_rows(0, path_row(p.path.index, 0), path_row(p.path.param_index, 0));
  put_rows(1, path_row(p.path.index, 1), path_row(p.path.param_index, 1));
  __syncthreads();
  if (chunks > 0) {
    if (stages > 1) copy_B_and_X(0);
    copy_C(0);
    if (keeps_time) put_chunk_times(0, fetch_chunk_times(0), nullptr, s.index == 0);
  }
  warp.load_states(p, warp.exists ? first_state(p, segments, s, warp.head, kOutputs) : nullptr);

  float elapsed = 0;
  for (int chunk = 0; chunk < chunks; ++chunk) {
    const int k = s.begin + chunk * kQ, steps = min(s.end - k, kQ);
    const bool more = chunk + 1 < chunks;
    const Tile<T, kStates> B = B_of(chunk);
    const Tile<T, kOfBlock> X = X_of(chunk);
    const ChunkTimes& time = times_of(chunk)[warp.slot];
    if (stages > 1) cp_async_wait<0>();
    __syncthreads();
    if (chunk + stages - 1 < chunks) copy_B_and_X(chunk + stages - 1);
    if (stages == 1) {
      cp_async_wait<0>();
      __syncthreads();
    }

    if constexpr (kOutputs) {
      put_products<T>(C, B, times_of(chunk), layout.heads, M_heads, steps);
      __syncthreads();
      const Tile<T, kQ> M{M_heads + warp.slot * kQ * kQ};
      for (int first = 0; first < steps; first += Warp::kStepTiles * 16) {
        float y[Warp::kStepTiles][Warp::kTiles8][4] = {};
        warp.outputs(y, C, M, X, time, first);
        warp.finish(p, y, X, rows_of(chunk), k, steps, first, sums_of_warps[warp_in_block]);
      }
      __syncthreads();  // C is free
      if (more) copy_C(chunk + 1);
    } else {
      elapsed += time.cum[kQ - 1];
    }

    ChunkTimeInputs next_times{};
    if (more && keeps_time) next_times = fetch_chunk_times(chunk + 1);
    const int row = path_row(p.path.index, chunk + 2), param_row = path_row(p.path.param_index, chunk + 2);
    warp.advance(B, X, time, steps);
    put_rows(chunk + 2, row, param_row);
    if (more && keeps_time) put_chunk_times(chunk + 1, next_times, times_of(chunk) + warp_in_block, false);
  }

  if (float* const to = last_states[warp_in_block]) warp.store_states(p, to);
  if (!kOutputs && warp.exists && warp.channel == warp.head * p.head_dim && warp.lane == 0) {
    segments.decays[int64_t(s.sequence * segments.count + s.index) * p.heads + warp.head] = elapsed * kLn2;
  }
#endif
}

}  // namespace skipscan::cuda
