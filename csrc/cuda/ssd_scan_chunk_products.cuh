// The products of the chunked form of Mamba-2's scan (ssd_scan_chunked.cuh), and what becomes of their outputs.
#pragma once
#include "cuda/ssd_scan_chunk_tiles.cuh"

namespace skipscan::cuda {

// A warp of a block: which channels it has, and its states. A lane has channels g and g + 8 of every 16, and of those states
// 2t and 2t + 1 of every 8; so the states are a right operand of products as they are.
template <class T, int kStates>
struct ChunkWarp {
  static constexpr int kQ = kChunkSteps, kOfWarp = kChannelsOfWarp<kStates>, kOfBlock = kChannelsOfBlock<kStates>;
  static constexpr int kTiles16 = kOfWarp / 16, kTiles8 = kOfWarp / 8;
  static constexpr int kStepTiles = 2;  // outputs are made for as many times 16 steps at once

  int lane, g, t;
  int head, slot;  // slot: the head as counted in the block
  bool exists;     // whether there is such a head
  int column;      // the first channel, as counted in the block
  int channel;     // and in a row
  float h[kTiles16][kStates / 8][4];

  // The states of the head lie at `from`, or are zeros.
  __device__ void load_states(const SsdScanParams& p, const float* from) {
    if (from) from += first_of_lane(p);
    each_pair([&](int at, float& low, float& high) {
      Pack<float, 2> pair{};
      if (from) pair = load_pack<float, 2>(from + at);
      low = pair.values[0];
      high = pair.values[1];
    });
  }
  __device__ void store_states(const SsdScanParams& p, float* to) {
    to += first_of_lane(p);
    each_pair([&](int at, float low, float high) { store_pack(to + at, Pack<float, 2>{{low, high}}); });
  }
  __device__ int first_of_lane(const SsdScanParams& p) const {
    return (channel - head * p.head_dim + g) * kStates + 2 * t;
  }
  template <class Body>
  __device__ void each_pair(const Body& body) {
#pragma unroll
    for (int i = 0; i < kTiles16; ++i) {
#pragma unroll
      for (int n = 0; n < kStates / 8; ++n) {
        body(i * 16 * kStates + n * 8, h[i][n][0], h[i][n][1]);
        body((i * 16 + 8) * kStates + n * 8, h[i][n][2], h[i][n][3]);
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

  // Y = exp(cum) C H^T + M X for 16 kStepTiles steps from `first` on, M = C B^T o L of the head. A lane has steps g and g + 8
  // of every 16, channels 2t and 2t + 1 of every 8.
  __device__ void outputs(float (&y)[kStepTiles][kTiles8][4], const Tile<T, kStates>& C, const Tile<T, kQ>& M,
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
      for (int m = 0; m < kStepTiles; ++m) {
        unsigned a[4];
        C.load_a(a, first + m * 16, n * 16);
#pragma unroll
        for (int c = 0; c < kTiles8; ++c) mma_m16n8k16<T>(y[m][c], a, states[c]);
      }
    }
#pragma unroll
    for (int m = 0; m < kStepTiles; ++m) {
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
    for (int j = 0; j < first + kStepTiles * 16; j += 16) {
      unsigned x[kTiles16][4];
#pragma unroll
      for (int i = 0; i < kTiles16; ++i) X.load_b(x[i], j, column + i * 16);
#pragma unroll
      for (int m = 0; m < kStepTiles; ++m) {
        if (j > first + m * 16) continue;
        unsigned a[4];
        M.load_a(a, first + m * 16, j);
#pragma unroll
        for (int i = 0; i < kTiles16; ++i) multiply_two<T>(y[m][2 * i], y[m][2 * i + 1], a, x[i]);
      }
    }
  }

  // What is left to do for those outputs: skip connection, gate, scores, and the way to memory. `row_of` has the rows of the
  // chunk, which begins at step k. What this warp's channels add to the scores of steps goes to `sums`, unless that is null.
  __device__ void finish(const SsdScanParams& p, float (&y)[kStepTiles][kTiles8][4], const Tile<T, kOfBlock>& X,
                         const int* row_of, int k, int steps, int first, float* sums) const {
    const float D_of_head = p.D && exists && !p.D_per_channel ? p.D[head] : 0;
#pragma unroll
    for (int m = 0; m < kStepTiles; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int step = first + m * 16 + half * 8 + g;
        const bool inside = exists && step < steps;
        const int64_t row = inside ? row_of[step] : 0;
        float v[2 * kTiles8];
#pragma unroll
        for (int c = 0; c < 2 * kTiles8; ++c) v[c] = y[m][c / 2][half * 2 + c % 2];
        if (p.D) {
#pragma unroll
          for (int c = 0; c < kTiles8; ++c) {
            float x[2];
            unpack_pair<T>(X.pair(step, column + c * 8 + 2 * t), x[0], x[1]);
#pragma unroll
            for (int e = 0; e < 2; ++e) {
              const float D = p.D_per_channel && exists ? p.D[channel + c * 8 + 2 * t + e] : D_of_head;
              v[2 * c + e] = fmaf(D, x[e], v[2 * c + e]);
            }
          }
        }
        float sum = 0;
        const bool gated = p.z.data && inside;
        if (sums && (p.source == ImportanceSource::ssm || !gated)) sum = sum_of(p.metric, v);
        if (gated) {
#pragma unroll
          for (int c = 0; c < kTiles8; ++c) {
            const auto z = load_pack<T, 2>(typed<T>(p.z) + row * p.z_stride + channel + c * 8 + 2 * t);
            v[2 * c] *= silu(z[0]);
            v[2 * c + 1] *= silu(z[1]);
          }
          if (sums && p.source != ImportanceSource::ssm) sum = sum_of(p.metric, v);
        }
        if (sums) {  // four lanes have a row
          sum += __shfl_xor_sync(kAllLanes, sum, 1);
          sum += __shfl_xor_sync(kAllLanes, sum, 2);
          if (inside && t == 0) sums[k + step] = sum;
        }

        Pack<unsigned, kTiles8> pairs;
#pragma unroll
        for (int c = 0; c < kTiles8; ++c) pairs.values[c] = pack_pair<T>(v[2 * c], v[2 * c + 1]);
        transpose_quad(pairs.values, t);
        if (inside) {
          const int at = channel + t % kTiles8 * 8 + t / kTiles8 * kTiles8 * 2;
          store_pack(reinterpret_cast<unsigned*>(static_cast<T*>(p.y.data) + row * p.y_stride + at), pairs);
        }
      }
    }
  }

  // What a lane's channels add to a score.
  __device__ static float sum_of(ImportanceMetric metric, const float (&v)[2 * kTiles8]) {
    const auto sum_by = [&](auto by) {
      float sum = 0;
#pragma unroll
      for (int c = 0; c < 2 * kTiles8; ++c) sum = add_channel(by.value, sum, v[c]);
      return sum;
    };
    using Metric = ImportanceMetric;
    switch (metric) {
      case Metric::clip: return sum_by(std::integral_constant<Metric, Metric::clip>());
      case Metric::l1: return sum_by(std::integral_constant<Metric, Metric::l1>());
      case Metric::l2: return sum_by(std::integral_constant<Metric, Metric::l2>());
      default: return sum_by(std::integral_constant<Metric, Metric::sum>());
    }
  }
};

// M = C B^T o L of the heads of a block, 64 x 64 steps each: 10 tiles of 16 x 16 on and below the diagonal; what is above is
// not written. Packed here are the rows and columns of the tiles, in two bits each, three tiles to a warp.
template <class T, int kStates>
__device__ inline void put_products(const Tile<T, kStates>& C, const Tile<T, kStates>& B, const ChunkTimes* times,
                                    int heads, T* M_heads, int steps) {
  constexpr unsigned kRows = 0b010100'101010'111111'111111u, kColumns = 0b010000'100100'001110'000100u;
  const int warp = warp_index(), g = lane_index() / 4, t = lane_index() % 4, tiles = warp < 2 ? 2 : 3;
  for (int i = 0; i < tiles; ++i) {
    const int row = int(kRows >> (warp * 6 + i * 2) & 3) * 16, column = int(kColumns >> (warp * 6 + i * 2) & 3) * 16;
    if (row >= steps) continue;
    float G[2][4] = {};
#pragma unroll
    for (int n = 0; n < kStates / 16; ++n) {
      unsigned a[4], b[4];
      C.load_a(a, row, n * 16);
      B.load_b_trans(b, column, n * 16);
      multiply_two<T>(G[0], G[1], a, b);
    }
    const int at = row + g, from = column + 2 * t;
    for (int head = 0; head < heads; ++head) {
      const Tile<T, kChunkSteps> M{M_heads + head * kChunkSteps * kChunkSteps};
      const float cum[2] = {times[head].cum[at], times[head].cum[at + 8]};
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        const auto source = load_pack<float, 2>(times[head].source + from + c * 8);
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          float m[2];
#pragma unroll
          for (int e = 0; e < 2; ++e) {  // above the diagonal the power may be infinite
            m[e] = G[c][half * 2 + e] * fast_exp2(cum[half] - source.values[e]);
            if (from + c * 8 + e > at + half * 8) m[e] = 0;
          }
          M.pair(at + half * 8, from + c * 8) = pack_pair<T>(m[0], m[1]);
        }
      }
    }
  }
}

}  // namespace skipscan::cuda
