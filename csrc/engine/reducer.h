// Removing tokens between two blocks: which rows are alive, and the walk score -> select -> gather (docs/reduction.md).
#pragma once
#include <string>
#include <vector>

#include "core/scan_path.h"
#include "ops/backend.h"

namespace skipscan {

enum class Similarity : uint8_t { hidden, residual, sum };

// A policy as one forward pass carries it out; lib/reduction has checked it.
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

  bool at(int32_t layer) const;
  // Whether every row must be scored at once: what a token is to the final state is known only after the last one.
  bool scores_whole_sequences() const { return metric == ImportanceMetric::state && needs_scores(policy); }
};

// The rows that are alive, packed: sequence s is rows offsets[s] .. offsets[s + 1] - 1.
struct LiveRows {
  std::vector<int32_t> offsets, positions, sizes, is_protected;
  int32_t start = 0;  // the position of every sequence's first token

  LiveRows(const std::vector<int32_t>& offsets, int32_t start, const Reduction* reduction);

  int64_t count() const { return offsets.back(); }
  int64_t sequences() const { return int64_t(offsets.size()) - 1; }
  // How many positions each row is after the one before it in its sequence.
  std::vector<int32_t> gaps() const;
};

// What a reduction left: the original positions of its rows.
struct KeptRows {
  int32_t layer;
  std::vector<int32_t> offsets, positions;
};

// Reduces both branches in place after block `layer`. `scores` is null where the policy needs none. ERR_NATIVE naming the
// layer when a score or a feature is not finite.
Status reduce_rows(const Reduction& reduction, int32_t layer, const Backend& backend, const float* scores,
                   float* hidden, float* residual, int64_t d_model, LiveRows& rows, ExecContext& context);

}  // namespace skipscan
