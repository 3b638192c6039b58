// A policy as one forward pass carries it out; lib/reduction has checked it (docs/reduction.md).
#pragma once
#include <string>
#include <vector>

#include "core/scan_path.h"
#include "core/status.h"
#include "ops/importance.h"
#include "ops/select_tokens.h"

namespace skipscan {

enum class Similarity : uint8_t { hidden, residual, sum };

struct Reduction {
  std::vector<int32_t> layers;  // rising
  std::vector<double> keep;     // of each sequence
  ReductionPolicy policy = ReductionPolicy::prune;
  ImportanceMetric metric = ImportanceMetric::clip;
  ImportanceSource source = ImportanceSource::gated;
  Alignment alignment = Alignment::next;
  ConvMode conv = ConvMode::compact;
  Similarity similarity = Similarity::hidden;
  double q_hidden = 0, q_residual = 0, prune_below = 0, merge_above = 0;
  uint64_t seed = 0;
  bool fuse = false, forward = false;
  std::vector<int32_t> protect;  // positions
  int32_t protect_last = 1;

  // ToP-ViM's public code instead of the policy (released_top.h). Its keep ratio is the same for all.
  bool released_top = false;

  // ERR_NATIVE unless it is one for a model of so many layers and a batch of so many sequences; lib/ has no other.
  Status check(int32_t layers_of_model, int64_t sequences) const;

  bool at(int32_t layer) const;
  // Whether a block scores its tokens on the way; the metrics that need neighbours are scored afterwards.
  bool scores_in_block() const;
  // Whether every row must be scored at once: what a token is to the final state is known only after the last one.
  bool scores_whole_sequences() const { return metric == ImportanceMetric::state && needs_scores(policy); }
  // Whether the number of rows that stay follows from their number: not where thresholds decide.
  bool counts() const { return policy != ReductionPolicy::ltmp; }
  // That number, for a sequence of `rows` rows.
  int64_t kept_rows(int64_t rows, int64_t protected_rows, double keep_share) const;
  // (rows of the batch): 1 for the protected ones. `start` is the position of every sequence's first token.
  std::vector<int32_t> protected_rows(const std::vector<int32_t>& offsets, int32_t start) const;
};

}  // namespace skipscan
