// Importance scores from rows, or from rows + added.
// Floor in bytes: both inputs once. The means are a block for each row; the cosines of neighbours are a block for some rows,
// which also reads the rows before and after them, most likely from the L2 cache.
#pragma once
#include "cuda/importance.cuh"
#include "cuda/path.cuh"
#include "cuda/reduce.cuh"
#include "cuda/rows.cuh"
#include "ops/token_importance.h"

namespace skipscan::cuda {

constexpr int kScoreThreads = 256;

// A pack of a row of x and, where there is one, of added; X and Added are their dtypes.
template <class X, class Added, int kPack>
struct RowPack {
  Pack<X, kPack> x;
  Pack<Added, kPack> added;

  __device__ void load(const TokenImportanceParams& p, int64_t row, int64_t c) {
    x = load_pack<X, kPack>(static_cast<const X*>(p.x.data) + row * p.x_stride + c);
    added = p.added.data ? load_pack<Added, kPack>(static_cast<const Added*>(p.added.data) + row * p.added_stride + c)
                         : Pack<Added, kPack>();
  }
  __device__ float operator[](int i) const { return x[i] + added[i]; }
};

template <class X, class Added, int kPack>
__global__ void __launch_bounds__(kScoreThreads) mean_scores_kernel(TokenImportanceParams p) {
  const int64_t row = blockIdx.x;
  constexpr int kBatch = 2;
  RowPack<X, Added, kPack> v[kBatch];
  float sum = 0;
  for_batches<kPack, kBatch>(
      p.channels, [&](int64_t c, int i) { v[i].load(p, row, c); },
      [&](int64_t, int i) {
#pragma unroll
        for (int j = 0; j < kPack; ++j) sum = add_channel(p.metric, sum, v[i][j]);
      });
  sum = block_sum(sum);
  if (threadIdx.x == 0) p.scores[row] = score(p.metric, sum / float(p.channels));
}

__device__ inline float cosine(float dot, float square_a, float square_b) {
  const float norms = sqrtf(square_a) * sqrtf(square_b);
  return norms == 0 ? 0 : dot / norms;
}

constexpr int kNovelRows = 6;  // that a block scores

// Row i of a block is row `first - 1 + i`: the one before those that it scores comes first, the one after them last.
template <class X, class Added, int kPack>
__global__ void __launch_bounds__(kScoreThreads, 2) novelty_scores_kernel(TokenImportanceParams p) {
  const int64_t first = int64_t(blockIdx.x) * kNovelRows;
  const bool both_sides = p.metric == ImportanceMetric::novel2;
  float squares[kNovelRows + 2] = {}, dots[kNovelRows + 1] = {};  // dots[i] is of the rows i and i + 1
  for_packs<kPack, 0>(p.channels, [&](int64_t c, int) {
    RowPack<X, Added, kPack> v[kNovelRows + 2];
#pragma unroll
    for (int i = 0; i < kNovelRows + 2; ++i) {
      const int64_t row = first - 1 + i;  // what stands for rows that do not exist is not looked at
      v[i].load(p, row < 0 ? 0 : row < p.rows ? row : p.rows - 1, c);
    }
#pragma unroll
    for (int j = 0; j < kPack; ++j) {
      float before = v[0][j];
      squares[0] = fmaf(before, before, squares[0]);
#pragma unroll
      for (int i = 0; i < kNovelRows + 1; ++i) {
        const float next = v[i + 1][j];
        squares[i + 1] = fmaf(next, next, squares[i + 1]);
        dots[i] = fmaf(before, next, dots[i]);
        before = next;
      }
    }
  });
  block_sums(squares);
  block_sums(dots);
#pragma unroll
  for (int i = 1; i <= kNovelRows; ++i) {
    const int64_t row = first - 1 + i;
    if (int(threadIdx.x) != i || row >= p.rows) continue;
    const int s = sequence_of(p.offsets, p.sequences, int(row));
    const bool before = row > p.offsets[s], after = both_sides && row + 1 < p.offsets[s + 1];
    const float cosine_before = cosine(dots[i - 1], squares[i - 1], squares[i]);
    const float cosine_after = cosine(dots[i], squares[i], squares[i + 1]);
    float nearest = squares[i] - squares[i];  // 0, or not a number where the row is not finite
    if (before) nearest = cosine_before;
    if (after) nearest = before ? fmaxf(cosine_before, cosine_after) : cosine_after;
    p.scores[row] = 1 - nearest;
  }
}

template <class X, class Added, int kPack>
Status launch_token_importance(const TokenImportanceParams& p, Stream& stream) {
  if (p.metric == ImportanceMetric::novel || p.metric == ImportanceMetric::novel2) {
    constexpr int kLess = kPack < 4 ? kPack : 4;  // more would not stay in registers
    return launch(stream, novelty_scores_kernel<X, Added, kLess>, dim3(unsigned(div_up(p.rows, kNovelRows))),
                  threads_for_row(p.channels, kLess, kScoreThreads), 0, p);
  }
  return launch(stream, mean_scores_kernel<X, Added, kPack>, dim3(unsigned(p.rows)),
                threads_for_row(p.channels, kPack, kScoreThreads), 0, p);
}

template <class X, class Added>
Status launch_token_importance(const TokenImportanceParams& p, Stream& stream) {
  constexpr int kPack = 16 / (sizeof(X) > sizeof(Added) ? sizeof(X) : sizeof(Added));
  const bool packed = p.channels % kPack == 0 && aligned(p.x, p.x_stride, kPack * sizeof(X)) &&
                      (!p.added || aligned(p.added, p.added_stride, kPack * sizeof(Added)));
  return packed ? launch_token_importance<X, Added, kPack>(p, stream) : launch_token_importance<X, Added, 1>(p, stream);
}

}  // namespace skipscan::cuda
