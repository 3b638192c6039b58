// Which tokens a reduction removes, and where their content goes (docs/reduction.md, sections 4 and 5). Every packed sequence
// is reduced on its own; protected rows stay as they are. Of equal scores the earlier row is the more important one, of
// equal similarities the earlier destination is chosen and the earlier source removed first.
#pragma once
#include <algorithm>

#include "core/elements.h"
#include "ops/op.h"

namespace skipscan {

enum class ReductionPolicy : uint8_t { utrc, prune, merge, ltmp, uniform, random, recent, released_utrc };

struct SelectTokensParams {
  const float* scores;           // (rows) importance; or null where the policy does not ask for it
  ConstElements features;        // (rows, dim) what tokens are compared by; or null where the policy does not compare
  ConstElements added_features;  // (rows, dim) added to features; or null
  const int32_t* positions;      // (rows) original positions; or null unless the policy is random
  const int32_t* is_protected;   // (rows) not 0: the row stays; or null: none
  const int32_t* sizes;          // (rows) how many tokens each row stands for; or null: 1
  const int32_t* offsets;        // (sequences + 1): sequence s is rows offsets[s] .. offsets[s+1]-1
  const double* keep;            // (sequences) the share of its rows that stays; or null for ltmp

  int32_t* kept;           // (rows) the rows that stay, ascending; the first kept_offsets[sequences] are written
  int32_t* kept_sizes;     // (rows) how many tokens each of them stands for now; as many are written
  int32_t* kept_offsets;   // (sequences + 1)
  int32_t* dest_hidden;    // (rows) where a row's content goes: to itself if kept, the row it merges into, -1: dropped
  int32_t* dest_residual;  // (rows) the same in the residual branch; a row is kept in both or in none
  float* weights;          // (rows) a row's weight in the mean that its destination becomes

  int64_t dim;
  int32_t rows, sequences;
  int32_t longest;  // rows of the longest sequence
  ReductionPolicy policy;
  double q_hidden, q_residual;      // utrc: the share of the removed that is dropped, for each branch
  double prune_below, merge_above;  // ltmp: the thresholds of scores and of cosines
  uint64_t seed;                    // random, and so is layer
  int32_t layer;
  bool fuse;     // prune: keep one more row, the mean of the dropped
  bool forward;  // utrc, merge, ltmp: a row merges into a later one only
};

constexpr bool needs_scores(ReductionPolicy p) {
  return p == ReductionPolicy::utrc || p == ReductionPolicy::prune || p == ReductionPolicy::ltmp;
}
constexpr bool needs_features(ReductionPolicy p) {
  return p == ReductionPolicy::utrc || p == ReductionPolicy::merge || p == ReductionPolicy::ltmp;
}
// Whether a mean counts a row as many times as it stands for tokens.
constexpr bool weighs_by_size(ReductionPolicy p) { return p == ReductionPolicy::merge || p == ReductionPolicy::ltmp; }

// The counts are doubles rounded once, the same on every machine: no sum follows a product that a compiler could fuse it with.

// How many of a sequence's `tokens` stay, the protected ones included.
constexpr int64_t keep_count(int64_t tokens, int64_t protected_tokens, double keep) {
  const double share = keep * double(tokens);
  const int64_t whole = int64_t(share), ceiling = whole + (share > double(whole));
  return std::min(tokens, std::max(ceiling, protected_tokens + 1));
}

// How many of `removed` tokens are dropped rather than merged: q * removed, rounded half up.
constexpr int64_t drop_count(double q, int64_t removed) {
  const double share = q * double(removed);
  const int64_t whole = int64_t(share);
  return whole + (share >= double(whole) + 0.5);
}

// Whether ltmp merges a pair. At 1 it merges nothing, not even rows whose cosine rounding has carried beyond 1.
constexpr bool is_similar(double cosine, double merge_above) { return cosine > merge_above && merge_above < 1; }

// The key by which the policy random ranks a position: the first word of Philox4x32-10 (Salmon et al., "Parallel random
// numbers: as easy as 1, 2, 3", SC 2011) with the seed as its key and (position, layer, 0, 0) as its counter.
constexpr uint32_t random_key(uint64_t seed, uint32_t layer, uint32_t position) {
  uint32_t counter[4] = {position, layer, 0, 0};
  uint32_t key[2] = {uint32_t(seed), uint32_t(seed >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t even = uint64_t(0xD2511F53) * counter[0], odd = uint64_t(0xCD9E8D57) * counter[2];
    counter[0] = uint32_t(odd >> 32) ^ counter[1] ^ key[0];
    counter[1] = uint32_t(odd);
    counter[2] = uint32_t(even >> 32) ^ counter[3] ^ key[1];
    counter[3] = uint32_t(even);
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter[0];
}

// The error for a score, or for a row of features by the sum of its squares, that is infinite or not a number.
Status non_finite(const char* what, int64_t row, float value);

}  // namespace skipscan
