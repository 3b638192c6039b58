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

// One pack of a row; X and Added are the dtypes of the two inputs.
template <class X, class Added, int kPack>
__device__ inline void load_row(const TokenImportanceParams& p, int64_t row, int64_t c, float (&values)[kPack]) {
  const Pack<X, kPack> x = load_pack<X, kPack>(static_cast<const X*>(p.x.data) + row * p.x_stride + c);
  Pack<Added, kPack> added = {};
  if (p.added.data) {
    added = load_pack<Added, kPack>(static_cast<const Added*>(p.added.data) + row * p.added_stride + c);
  }
#pragma unroll
  for (int j = 0; j < kPack; ++j) values[j] = x[j] + added[j];
}

template <class X, class Added, int kPack>
__global__ void __launch_bounds__(kScoreThreads) mean_scores_kernel(TokenImportanceParams p) {
  const int64_t row = blockIdx.x;
  float sum = 0;
  for_packs<kPack, 0>(p.channels, [&](int64_t c, int) {
    float v[kPack];
    load_row<X, Added, kPack>(p, row, c, v);
#pragma unroll
    for (int j = 0; j < kPack; ++j) sum = add_channel(p.metric, sum, v[j]);
  });
  sum = block_sum(sum);
  if (threadIdx.x == 0) p.scores[row] = score(p.metric, sum / float(p.channels));
}

__device__ inline float cosine(float dot, float square_a, float square_b) {
  const float norms = sqrtf(square_a) * sqrtf(square_b);
  return norms == 0 ? 0 : dot / norms;
}

// Rows that a block scores.
constexpr int kNovelRows = 6;

// Row i of a block is its row `first + i - 1`: the one before those that it scores comes first, the one after them last.
template <class X, class Added, int kPack>
__global__ void __launch_bounds__(kScoreThreads, 2) novelty_scores_kernel(TokenImportanceParams p) {
  const int64_t first = int64_t(blockIdx.x) * kNovelRows;
  const bool both_sides = p.metric == ImportanceMetric::novel2;
  const auto is_read = [&](int i) {
    const int64_t row = first + i - 1;
    return row >= 0 && row < p.rows && (i <= kNovelRows || both_sides);
  };
  float squares[kNovelRows + 2] = {}, dots[kNovelRows + 1] = {};  // dots[i] is of the rows i and i + 1
  for_packs<kPack, 0>(p.channels, [&](int64_t c, int) {
    float v[kNovelRows + 2][kPack];
#pragma unroll
    for (int i = 0; i < kNovelRows + 2; ++i) {
      if (is_read(i)) {
        load_row<X, Added, kPack>(p, first + i - 1, c, v[i]);
      } else {
#pragma unroll
        for (int j = 0; j < kPack; ++j) v[i][j] = 0;
      }
    }
#pragma unroll
    for (int j = 0; j < kPack; ++j) {
#pragma unroll
      for (int i = 0; i < kNovelRows + 2; ++i) squares[i] = fmaf(v[i][j], v[i][j], squares[i]);
#pragma unroll
      for (int i = 0; i < kNovelRows + 1; ++i) dots[i] = fmaf(v[i][j], v[i + 1][j], dots[i]);
    }
  });
  block_sums(squares);
  block_sums(dots);
#pragma unroll
  for (int i = 1; i <= kNovelRows; ++i) {
    const int64_t row = first + i - 1;
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
  const dim3 block = threads_for_row(p.channels, kPack, kScoreThreads);
  if (p.metric == ImportanceMetric::novel || p.metric == ImportanceMetric::novel2) {
    const dim3 grid(unsigned(div_up(p.rows, kNovelRows)));
    return launch(stream, novelty_scores_kernel<X, Added, kPack>, grid, block, 0, p);
  }
  return launch(stream, mean_scores_kernel<X, Added, kPack>, dim3(unsigned(p.rows)), block, 0, p);
}

template <class X, class Added>
Status launch_token_importance(const TokenImportanceParams& p, Stream& stream) {
  constexpr int kPack = 16 / (sizeof(X) > sizeof(Added) ? sizeof(X) : sizeof(Added));
  const bool packed = p.channels % kPack == 0 && aligned(p.x, p.x_stride, kPack * sizeof(X)) &&
                      (!p.added || aligned(p.added, p.added_stride, kPack * sizeof(Added)));
  return packed ? launch_token_importance<X, Added, kPack>(p, stream) : launch_token_importance<X, Added, 1>(p, stream);
}

}  // namespace skipscan::cuda
