// Mamba-2's scan in chunks of 64 steps, as products on tensor cores (arXiv 2405.21060, section 6), for bf16 and f16. With cum
// the sum of decay * A from a chunk's first step on,
//   Y = exp(cum) C H^T + (C B^T o L) X        L[i][j] = dt_j exp(cum_i - cum_j) for j <= i, else 0
//   H = exp(cum_last) H + (w X)^T B           w_j = dt_j exp(cum_last - cum_j)
// A block walks along its segment with 4 warps. Each of them has 32 channels of a head (16 where there are 256 states) and
// keeps their states H in registers, in float32: states touch memory only where a segment begins and ends. The heads of a
// block are of one group and share C B^T.
//
// Operands are rounded to T, which concerns C B^T o L, w X and, for Y alone, H; sums are float32. mamba_ssm rounds the same.
//
// Grid: blocks of heads, segments, sequences, the first the fastest. Floor, with P = head_dim and N = d_state: x read and y
// written once; for each step of a head, 4 P N + 80 P FLOPs, and 80 N for C B^T shared by the heads of a block.
#pragma once
#include "cuda/ssd_scan_chunk_tiles.cuh"

namespace skipscan::cuda {

// A warp of a block: which channels it has, and its states. A lane has channels g and g + 8 of every 16, and of those states
// 2t and 2t + 1 of every 8; so the states are a right operand of products as they are.
template <class T, int kStates>
struct ChunkWarp {
  static constexpr int kQ = kChunkSteps, kOfWarp = kChannelsOfWarp<kStates>, kOfBlock = kChannelsOfBlock<kStates>;
  static constexpr int kTiles16 = kOfWarp / 16, kTiles8 = kOfWarp / 8;

  int lane, g, t;
  int head, slot;  // slot: the head as counted in the block
  bool exists;     // whether there is such a head
  int column;      // the first channel, as counted in the block
  int channel;     // and in a row
  float h[kTiles16][kStates / 8][4];

  // The states of a head lie at `from`, or are zeros.
  __device__ void load_states(const SsdScanParams& p, const float* from) {
    each_pair(p, [&](int64_t at, float& low, float& high) {
      Pack<float, 2> pair{};
      if (from) pair = load_pack<float, 2>(from + at);
      low = pair.values[0];
      high = pair.values[1];
    });
  }
  __device__ void store_states(const SsdScanParams& p, float* to) {
    each_pair(p, [&](int64_t at, float low, float high) { store_pack(to + at, Pack<float, 2>{{low, high}}); });
  }
  template <class Body>
  __device__ void each_pair(const SsdScanParams& p, const Body& body) {
    const int64_t first = int64_t(channel - head * p.head_dim + g) * kStates + 2 * t;
#pragma unroll
    for (int i = 0; i < kTiles16; ++i) {
#pragma unroll
      for (int n = 0; n < kStates / 8; ++n) {
        body(first + i * 16 * kStates + n * 8, h[i][n][0], h[i][n][1]);
        body(first + (i * 16 + 8) * kStates + n * 8, h[i][n][2], h[i][n][3]);
      }
    }
  }

  // H = exp(cum_last) H + (w X)^T B
  __device__ void advance(const Tile<T, kStates>& B, const Tile<T, kOfBlock>& X, const ChunkTimes& time, int steps) {
    const float decay = fast_exp2(time.cum[kQ - 1]);
#pragma unroll
    for (int i = 0; i < kTiles16; ++i) {
#pragma unroll
      for (int n = 0; n < kStates / 8; ++n) {
#pragma unroll
        for (int e = 0; e < 4; ++e) h[i][n][e] *= decay;
      }
    }
    for (int j = 0; j < steps; j += 16) {
      unsigned a[kTiles16][4];
      const auto w_low = load_pack<float, 2>(time.to_end + j + 2 * t);
      const auto w_high = load_pack<float, 2>(time.to_end + j + 2 * t + 8);
#pragma unroll
      for (int i = 0; i < kTiles16; ++i) {
        X.load_a_trans(a[i], j, column + i * 16);
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const auto& w = e < 2 ? w_low : w_high;
          float low, high;
          unpack_pair<T>(a[i][e], low, high);
          a[i][e] = pack_pair<T>(low * w.values[0], high * w.values[1]);
        }
      }
#pragma unroll
      for (int n = 0; n < kStates / 16; ++n) {
        unsigned b[4];
        B.load_b(b, j, n * 16);
#pragma unroll
        for (int i = 0; i < kTiles16; ++i) multiply_two<T>(h[i][2 * n], h[i][2 * n + 1], a[i], b);
      }
    }
  }

  // Y = exp(cum) C H^T + M X for steps [first, first + 32), M = C B^T o L of the head. A lane has steps g and g + 8 of every
  // 16, channels 2t and 2t + 1 of every 8.
  __device__ void outputs(float (&y)[2][kTiles8][4], const Tile<T, kStates>& C, const Tile<T, kQ>& M,
                          const Tile<T, kOfBlock>& X, const ChunkTimes& time, int first) {
#pragma unroll
    for (int n = 0; n < kStates / 16; ++n) {
      unsigned states[kTiles8][2];
#pragma unroll
      for (int c = 0; c < kTiles8; ++c) {
        const float *low = h[c / 2][2 * n] + c % 2 * 2, *high = h[c / 2][2 * n + 1] + c % 2 * 2;
        states[c][0] = pack_pair<T>(low[0], low[1]);
        states[c][1] = pack_pair<T>(high[0], high[1]);
      }
#pragma unroll
      for (int m = 0; m < 2; ++m) {
        unsigned a[4];
        C.load_a(a, first + m * 16, n * 16);
#pragma unroll
        for (int c = 0; c < kTiles8; ++c) mma_m16n8k16<T>(y[m][c], a, states[c]);
      }
    }
#pragma unroll
    for (int m = 0; m < 2; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const float decay = fast_exp2(time.cum[first + m * 16 + half * 8 + g]);
#pragma unroll
        for (int c = 0; c < kTiles8; ++c) {
          y[m][c][half * 2] *= decay;
          y[m][c][half * 2 + 1] *= decay;
        }
      }
    }
    for (int j = 0; j < first + 32; j += 16) {
      unsigned x[kTiles16][4];
#pragma unroll
      for (int i = 0; i < kTiles16; ++i) X.load_b(x[i], j, column + i * 16);
#pragma unroll
      for (int m = 0; m < 2; ++m) {
        if (j > first + m * 16) continue;
        unsigned a[4];
        M.load_a(a, first + m * 16, j);
#pragma unroll
        for (int i = 0; i < kTiles16; ++i) multiply_two<T>(y[m][2 * i], y[m][2 * i + 1], a, x[i]);
      }
    }
  }

  // What is left to do for those outputs: skip connection, gate, scores, and the way to memory. `k` is the chunk's first step,
  // `row_of` has the rows of its steps. The sums of scores of this warp's channels go to `sums`, (steps).
  __device__ void finish(const SsdScanParams& p, float (&y)[2][kTiles8][4], const Tile<T, kOfBlock>& X,
                         const int* row_of, int k, int steps, int first, float* sums) const {
#pragma unroll
    for (int m = 0; m < 2; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int step = first + m * 16 + half * 8 + g;
        const bool inside = exists && step < steps;
        const int64_t row = inside ? row_of[step] : 0;
        unsigned pairs[kTiles8];
        float sum = 0;
#pragma unroll
        for (int c = 0; c < kTiles8; ++c) {
          float v[2] = {y[m][c][half * 2], y[m][c][half * 2 + 1]};
          const int at = channel + c * 8 + 2 * t;
          if (p.D && exists) {
            float x[2];
            unpack_pair<T>(X.pair(step, column + c * 8 + 2 * t), x[0], x[1]);
#pragma unroll
            for (int e = 0; e < 2; ++e) v[e] = fmaf(p.D[p.D_per_channel ? at + e : head], x[e], v[e]);
          }
          float gated[2] = {v[0], v[1]};
          if (p.z.data && inside) {
            const auto z = load_pack<T, 2>(typed<T>(p.z) + row * p.z_stride + at);
#pragma unroll
            for (int e = 0; e < 2; ++e) gated[e] *= silu(z[e]);
          }
          const bool of_gated = p.source == ImportanceSource::gated;
#pragma unroll
          for (int e = 0; e < 2; ++e) sum = add_channel(p.metric, sum, of_gated ? gated[e] : v[e]);
          pairs[c] = pack_pair<T>(gated[0], gated[1]);
        }
        if (scores_outputs(p)) {
          sum += __shfl_xor_sync(kAllLanes, sum, 1);
          sum += __shfl_xor_sync(kAllLanes, sum, 2);
          if (inside && t == 0) sums[k + step] = sum;
        }
        transpose_quad<kTiles8>(pairs, t);
        if (inside) {
          Pack<T, 2 * kTiles8> out;
#pragma unroll
          for (int c = 0; c < kTiles8; ++c) {
            out.values[2 * c] = T{static_cast<unsigned short>(pairs[c])};
            out.values[2 * c + 1] = T{static_cast<unsigned short>(pairs[c] >> 16)};
          }
          const int at = channel + t % kTiles8 * 8 + t / kTiles8 * kTiles8 * 2;
          store_pack(static_cast<T*>(p.y.data) + row * p.y_stride + at, out);
        }
      }
    }
  }
};

// C B^T o L of the heads of a block, 64 x 64 steps each. It is 10 tiles of 16 x 16 on and below the diagonal; what is above
// is not written. Packed here are the rows and columns of the tiles, in two bits each, three tiles to a warp.
template <class T, int kStates>
struct ChunkScores {
  static constexpr unsigned kRows = 0b010100'101010'111111'111111u, kColumns = 0b010000'100100'001110'000100u;
  int g, t, warp, tiles;
  float G[3][2][4] = {};

  __device__ explicit ChunkScores(int lane, int warp) : g(lane / 4), t(lane % 4), warp(warp), tiles(warp < 2 ? 2 : 3) {}

  __device__ int row(int i) const { return int(kRows >> (warp * 6 + i * 2) & 3) * 16; }
  __device__ int column(int i) const { return int(kColumns >> (warp * 6 + i * 2) & 3) * 16; }
  __device__ bool wanted(int i, int steps) const { return i < tiles && row(i) < steps; }

  __device__ void multiply(const Tile<T, kStates>& C, const Tile<T, kStates>& B, int steps) {
#pragma unroll
    for (int n = 0; n < kStates / 16; ++n) {
      unsigned a[4];
#pragma unroll
      for (int i = 0; i < 3; ++i) {
        if (!wanted(i, steps)) continue;
        if (i == 0 || row(i) != row(i - 1)) C.load_a(a, row(i), n * 16);
        unsigned b[4];
        B.load_b_trans(b, column(i), n * 16);
        multiply_two<T>(G[i][0], G[i][1], a, b);
      }
    }
  }

  __device__ void put(const ChunkTimes& time, const Tile<T, kChunkSteps>& to, int steps) const {
#pragma unroll
    for (int i = 0; i < 3; ++i) {
      if (!wanted(i, steps)) continue;
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int at = row(i) + half * 8 + g;
        const float cum = time.cum[at], rest = time.rest[at];
#pragma unroll
        for (int c = 0; c < 2; ++c) {
          const int j = column(i) + c * 8 + 2 * t;
          const auto cum_j = load_pack<float, 2>(time.cum + j), rest_j = load_pack<float, 2>(time.rest + j);
          const auto dt = load_pack<float, 2>(time.dt + j);
          float m[2];
#pragma unroll
          for (int e = 0; e < 2; ++e) {
            const float L = dt.values[e] * decay_between(cum, rest, cum_j.values[e], rest_j.values[e]);
            m[e] = j + e <= at ? G[i][c][half * 2 + e] * L : 0;
          }
          to.pair(at, j) = pack_pair<T>(m[0], m[1]);
        }
      }
    }
  }
};

// kOutputs as in ssd_recurrent. sums: (heads * head_dim / channels of a warp, steps), or (heads, steps).
template <class T, int kStates, bool kOutputs>
__global__ void __launch_bounds__(kChunkThreads, 2)
    ssd_chunked(SsdScanParams p, SsdSegments segments, SsdChunkLayout layout, float* sums) {
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
  int* const rows = reinterpret_cast<int*>(times + layout.heads);  // (2, 2, kQ): index and param_index of two chunks

  const auto B_of = [&](int chunk) { return Tile<T, kStates>{shared + chunk % stages * kQ * kStates}; };
  const auto X_of = [&](int chunk) { return Tile<T, kOfBlock>{X_stages + chunk % stages * kQ * kOfBlock}; };
  const auto rows_of = [&](int chunk) { return rows + chunk % 2 * 2 * kQ; };
  const auto param_rows_of = [&](int chunk) { return rows + chunk % 2 * 2 * kQ + kQ; };
  const auto path_row = [&](const int32_t* path, int chunk) {
    const int k = s.begin + chunk * kQ + tid;
    return tid < kQ && k < s.end ? path[k] : -1;
  };
  const auto put_rows = [&](int chunk, int row, int param_row) {
    if (tid < kQ) {
      rows_of(chunk)[tid] = row;
      param_rows_of(chunk)[tid] = param_row;
    }
  };
  const auto copy_B_and_X = [&](int chunk) {
    const int columns = layout.parts > 1 ? kOfBlock : heads * p.head_dim;
    B_of(chunk).copy(typed<T>(p.B), p.B_stride, group * kStates, kStates, param_rows_of(chunk));
    X_of(chunk).copy(typed<T>(p.x), p.x_stride, first_channel, columns, rows_of(chunk));
    cp_async_commit();
  };
  const auto copy_C = [&](int chunk) {
    if (!kOutputs) return;
    C.copy(typed<T>(p.C), p.C_stride, group * kStates, kStates, param_rows_of(chunk));
    cp_async_commit();
  };

  const int chunks = (s.end - s.begin + kQ - 1) / kQ;
  const bool keeps_time = warp_in_block < layout.heads;
  const int head_of_time = first_head + warp_in_block;
  ChunkClock<T> clock(p, head_of_time, warp_in_block < heads, s.sequence_begin, s.begin);
  put_rows(0, path_row(p.path.index, 0), path_row(p.path.param_index, 0));
  put_rows(1, path_row(p.path.index, 1), path_row(p.path.param_index, 1));
  __syncthreads();
  if (chunks > 0) {
    copy_B_and_X(0);
    copy_C(0);
    if (keeps_time) clock.fetch(p, param_rows_of(0), s.begin, s.end);
  }
  warp.load_states(p, warp.exists ? first_state(p, segments, s, warp.head, kOutputs) : nullptr);

  float elapsed = 0;
  for (int chunk = 0; chunk < chunks; ++chunk) {
    const int k = s.begin + chunk * kQ, steps = min(s.end - k, kQ);
    const bool more = chunk + 1 < chunks;
    const Tile<T, kStates> B = B_of(chunk);
    const Tile<T, kOfBlock> X = X_of(chunk);
    cp_async_wait<0>();
    __syncthreads();
    if (stages > 1 && more) copy_B_and_X(chunk + 1);
    if (keeps_time) {
      clock.put(p, times[warp_in_block]);
      elapsed += clock.elapsed();
      if (kOutputs && scores_steps(p) && part == 0) {
        clock.each_step([&](int j, float dt) { sums[int64_t(head_of_time) * p.path.steps + k + j] = dt; });
      }
    }
    if constexpr (kOutputs) {
      ChunkScores<T, kStates> scores(warp.lane, warp_in_block);
      scores.multiply(C, B, steps);
      __syncthreads();  // the times are there
      for (int i = 0; i < layout.heads; ++i) scores.put(times[i], {M_heads + i * kQ * kQ}, steps);
    }
    __syncthreads();

    const ChunkTimes& time = times[warp.slot];
    if constexpr (kOutputs) {
      const Tile<T, kQ> M{M_heads + warp.slot * kQ * kQ};
      for (int first = 0; first < steps; first += 32) {
        float y[2][Warp::kTiles8][4] = {};
        warp.outputs(y, C, M, X, time, first);
        warp.finish(p, y, X, rows_of(chunk), k, steps, first, sums + int64_t(warp.channel / kOfWarp) * p.path.steps);
      }
      __syncthreads();  // C is free
      if (more) copy_C(chunk + 1);
    }
    if (more && keeps_time) clock.fetch(p, param_rows_of(chunk + 1), k + kQ, s.end);
    const int row = path_row(p.path.index, chunk + 2), param_row = path_row(p.path.param_index, chunk + 2);
    warp.advance(B, X, time, steps);
    put_rows(chunk + 2, row, param_row);
    if (stages == 1 && more) {
      __syncthreads();
      copy_B_and_X(chunk + 1);
    }
  }

  float* const to = warp.exists ? last_state(p, segments, s, warp.head, kOutputs) : nullptr;
  if (to) warp.store_states(p, to);
  if (!kOutputs && warp_in_block < heads && part == 0 && warp.lane == 0) {
    segments.decays[int64_t(s.sequence * segments.count + s.index) * p.heads + head_of_time] = elapsed;
  }
}

}  // namespace skipscan::cuda
