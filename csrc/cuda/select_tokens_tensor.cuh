// The similarities of select_tokens on tensor cores, for features in one 16-bit dtype: products are exact, sums float32. For
// rows of whole 16 bytes. 2048 tokens of 2560 channels: 5.4 GFLOP, 15 microseconds at 400 TFLOP/s.
#pragma once
#include "cuda/mma.cuh"
#include "cuda/select_tokens_match.cuh"

namespace skipscan::cuda {

template <class T>
class TensorMatch {
 public:
  explicit TensorMatch(const SelectTokensParams& p) : features_(p.features.as<T>()), dim_(p.dim) {}

  static bool takes(const SelectTokensParams& p, const DeviceLimits& limits) {
    return limits.capability >= 80 && p.features.dtype != DType::f32 && !p.added_features &&
           aligned(p.features, p.dim, 16);
  }

  // The sum of the squares of one row, each lane its own, over kDepth channels from c on: the diagonal of the products of the
  // rows with themselves.
  __device__ float squares(int row, int64_t c) const {
    const int lane = lane_index(), g = lane / 4, t = lane % 4;
    const int64_t end = c + kDepth < dim_ ? c + kDepth : dim_;
    int rows[4];
    float sums[4][4] = {};
#pragma unroll
    for (int i = 0; i < 4; ++i) rows[i] = __shfl_sync(kAllLanes, row, i * 8 + g);
#pragma unroll 2
    for (; c < end; c += 16) {
      unsigned pairs[4][2];  // of rows i * 8 + g: channels 2t and 2t + 8
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        pairs[i][0] = pair(rows[i], c + t * 2, end);
        pairs[i][1] = pair(rows[i], c + t * 2 + 8, end);
      }
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const auto &upper = pairs[i / 2 * 2], &lower = pairs[i / 2 * 2 + 1];
        mma_m16n8k16<T>(sums[i], {upper[0], lower[0], upper[1], lower[1]}, pairs[i]);
      }
    }
    // Of rows i * 8 + g, lane g * 4 + g / 2 has the sum; lane i * 8 + g asks for it.
    float square = 0;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float *of_half = sums[i] + i % 2 * 2, own = g % 2 == 0 ? of_half[0] : of_half[1];
      const float asked = __shfl_sync(kAllLanes, own, lane % 8 * 4 + lane % 8 / 2);
      if (lane / 8 == i) square = asked;
    }
    return square;
  }

  // Each of four warps has 64 sources x 32 destinations, as products of 16 x 8.
  __device__ void match(const SelectState& w, const MatchTile& tile, bool forward) const {
    SKIPSCAN_SHARED(T, a, [kStages][kTileSources][kSlice]);
    SKIPSCAN_SHARED(T, b, [kStages][kTileDestinations][kSlice]);
    const int lane = lane_index(), first_source = warp_index() % 2 * 64, first_destination = warp_index() / 2 * 32;
    const int loaded = int(threadIdx.x) / kPacks, at = int(threadIdx.x) % kPacks;
    constexpr int kRowsAtOnce = kTileThreads / kPacks;
    int sources[kTileSources / kRowsAtOnce], destinations[kTileDestinations / kRowsAtOnce];
#pragma unroll
    for (int i = 0; i < kTileSources / kRowsAtOnce; ++i) sources[i] = tile.source(loaded + i * kRowsAtOnce);
#pragma unroll
    for (int i = 0; i < kTileDestinations / kRowsAtOnce; ++i) {
      destinations[i] = tile.destination(loaded + i * kRowsAtOnce);
    }
    const int slices = int(div_up(dim_, kSlice));
    const auto prefetch = [&](int slice) {
      if (slice < slices) {
        const int stage = slice % kStages;
        const int64_t c = int64_t(slice) * kSlice + at * kPack;
#pragma unroll
        for (int i = 0; i < kTileSources / kRowsAtOnce; ++i) {
          const int row = loaded + i * kRowsAtOnce;
          copy(&a[stage][row][swizzled(row, at)], sources[i], c);
        }
#pragma unroll
        for (int i = 0; i < kTileDestinations / kRowsAtOnce; ++i) {
          const int row = loaded + i * kRowsAtOnce;
          copy(&b[stage][row][swizzled(row, at)], destinations[i], c);
        }
      }
      cp_async_commit();
    };
    float total[4][4][4] = {}, sums[4][4][4] = {};
#pragma unroll
    for (int slice = 0; slice + 1 < kStages; ++slice) prefetch(slice);
    for (int slice = 0; slice < slices; ++slice) {
      cp_async_wait<kStages - 2>();
      __syncthreads();
      prefetch(slice + kStages - 1);
      const int stage = slice % kStages;
#pragma unroll
      for (int k = 0; k < kSlice / kPack; k += 2) {
        unsigned of_a[4][4], of_b[4][2];
#pragma unroll
        for (int m = 0; m < 4; ++m) {
          const int row = first_source + m * 16 + lane % 16;
          ldmatrix_x4(of_a[m], &a[stage][row][swizzled(row, k + lane / 16)]);
        }
#pragma unroll
        for (int n = 0; n < 4; n += 2) {
          unsigned two[4];
          const int row = first_destination + n * 8 + lane / 16 * 8 + lane % 8;
          ldmatrix_x4(two, &b[stage][row][swizzled(row, k + lane / 8 % 2)]);
          of_b[n][0] = two[0];
          of_b[n][1] = two[1];
          of_b[n + 1][0] = two[2];
          of_b[n + 1][1] = two[3];
        }
#pragma unroll
        for (int m = 0; m < 4; ++m) {
#pragma unroll
          for (int n = 0; n < 4; ++n) mma_m16n8k16<T>(sums[m][n], of_a[m], of_b[n]);
        }
      }
      if ((slice + 1) * kSlice % kDepth == 0 || slice + 1 == slices) {
#pragma unroll
        for (int m = 0; m < 4; ++m) {
#pragma unroll
          for (int n = 0; n < 4; ++n) {
#pragma unroll
            for (int i = 0; i < 4; ++i) {
              total[m][n][i] += sums[m][n][i];
              sums[m][n][i] = 0;
            }
          }
        }
      }
    }
    cp_async_wait<0>();
    LaneProducts products;
#pragma unroll
    for (int i = 0; i < kLaneProducts; ++i) {
#pragma unroll
      for (int j = 0; j < kLaneProducts; ++j) products[i][j] = total[i / 2][j / 2][i % 2 * 2 + j % 2];
    }
    keep_best<4>(
        w, tile, forward, products, [=](int i) { return first_source + i / 2 * 16 + i % 2 * 8 + lane / 4; },
        [=](int j) { return first_destination + j / 2 * 8 + lane % 4 * 2 + j % 2; });
  }

 private:
  static constexpr int kSlice = 32, kPack = 8, kPacks = kSlice / kPack, kStages = 4;
  static_assert(kDepth % kSlice == 0 && kSlice * sizeof(T) == 64);

  // Where pack `at` of a row is in shared memory: eight neighbouring rows have their packs in different banks.
  static __device__ int swizzled(int row, int at) { return (at ^ (row / 2 % kPacks)) * kPack; }

  __device__ void copy(T* to, int row, int64_t c) const {
    const bool there = row >= 0 && c < dim_;
    cp_async_16(to, there ? features_ + row * dim_ + c : features_, there ? 16 : 0);
  }

  // Two channels of a row; zeros where there are none.
  __device__ unsigned pair(int row, int64_t c, int64_t end) const {
    return row >= 0 && c < end ? *reinterpret_cast<const unsigned*>(features_ + row * dim_ + c) : 0;
  }

  const T* features_;
  int64_t dim_;
};

}  // namespace skipscan::cuda
