// What the kernels of select_tokens hand from one to the next, and how they order things. Everything is an array over the
// packed rows in which the part of a sequence starts at its first row, or has one number for each sequence.
#pragma once
#include <bit>

#include "core/arena.h"
#include "cuda/launch.cuh"
#include "cuda/reduce.cuh"
#include "ops/select_tokens.h"

namespace skipscan::cuda {

// What is ranked: the smallest comes first.
using RankKey = unsigned long long;

struct SelectState {
  // Of the candidates of each sequence, in their order.
  int32_t* candidates;  // rows
  RankKey* keys;        // what they are ranked by
  int32_t* ranks;       // their places by that

  // Of the sets that are compared, ascending rows.
  int32_t *sources, *destinations;
  int32_t* source_ranks;  // utrc: by importance, among the sources; and back:
  int32_t* by_rank;
  RankKey* matches;      // the best destination of each source, see match_key(); 0: none
  int32_t* match_ranks;  // of sources: the closest first

  // Of rows.
  float *squares, *scales;  // of the features, see normalise()
  int32_t* sizes;           // how many tokens each row will stand for

  // Of sequences. Nothing is removed by rank or by match where there are no candidates or sources.
  int32_t *candidate_counts, *removed, *source_counts, *destination_counts, *kept_counts;
  int32_t* bad_scores;  // how many scores are not finite: then features are not looked at

  static SelectState take(Arena& arena, const SelectTokensParams& p) {
    SelectState w;
    for (auto field :
         {&SelectState::candidates, &SelectState::ranks, &SelectState::sources, &SelectState::destinations,
          &SelectState::source_ranks, &SelectState::by_rank, &SelectState::match_ranks, &SelectState::sizes}) {
      w.*field = arena.take<int32_t>(p.rows);
    }
    for (auto field : {&SelectState::keys, &SelectState::matches}) w.*field = arena.take<RankKey>(p.rows);
    for (auto field : {&SelectState::squares, &SelectState::scales}) w.*field = arena.take<float>(p.rows);
    for (auto field : {&SelectState::candidate_counts, &SelectState::removed, &SelectState::source_counts,
                       &SelectState::destination_counts, &SelectState::kept_counts, &SelectState::bad_scores}) {
      w.*field = arena.take<int32_t>(p.sequences);
    }
    return w;
  }
};

// Floats as whole numbers in the same order; 0 and -0 are one, as they compare equal.
__device__ inline unsigned ordered_bits(float value) {
  const unsigned bits = std::bit_cast<unsigned>(value + 0.f);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
__device__ inline float from_ordered_bits(unsigned bits) {
  return std::bit_cast<float>(bits & 0x80000000u ? bits & 0x7fffffffu : ~bits);
}

__device__ inline RankKey rank_key(unsigned first, int second) { return RankKey(first) << 32 | unsigned(second); }
// By score, the most important row first, what is not a number last.
__device__ inline RankKey importance_key(float score, int row) {
  return rank_key(score == score ? ~ordered_bits(score) : ~0u, row);
}

// The larger the better: a closer destination, and of equally close ones the earlier.
__device__ inline RankKey match_key(float cosine, int row) { return rank_key(ordered_bits(cosine), ~row); }
__device__ inline float match_cosine(RankKey match) { return from_ordered_bits(unsigned(match >> 32)); }
__device__ inline int match_destination(RankKey match) { return match == 0 ? -1 : int(~unsigned(match)); }

__device__ inline bool is_finite(float value) { return value - value == 0; }

// ---- over the threads of a block: whole warps, 1024 threads at most; all call together

template <class Combine>
__device__ inline RankKey block_fold(RankKey value, RankKey identity, const Combine& combine) {
  SKIPSCAN_SHARED(RankKey, of_warps, [kWarp]);
  const auto fold = [&] {
#pragma unroll
    for (int distance = kWarp / 2; distance > 0; distance /= 2) {
      value = combine(value, __shfl_xor_sync(kAllLanes, value, distance));
    }
  };
  fold();
  if (lane_index() == 0) of_warps[warp_index()] = value;
  __syncthreads();
  value = lane_index() < int(blockDim.x) / kWarp ? of_warps[lane_index()] : identity;
  __syncthreads();
  fold();
  return value;
}

__device__ inline int block_total(int value) {
  return int(block_fold(RankKey(value), 0, [](RankKey a, RankKey b) { return a + b; }));
}

}  // namespace skipscan::cuda
