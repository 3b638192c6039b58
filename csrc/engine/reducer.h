// Removing tokens between two blocks: which rows are alive, and the walk score -> select -> gather (docs/reduction.md).
#pragma once
#include <string>
#include <vector>

#include "core/arena.h"
#include "ops/device.h"

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
  // Whether the number of rows that stay follows from their number: not where thresholds decide.
  bool counts() const { return policy != ReductionPolicy::ltmp; }
  // That number, for a sequence of `rows` rows.
  int64_t kept_rows(int64_t rows, int64_t protected_rows, double keep_share) const;
  // (rows of the batch): 1 for the protected ones. `start` is the position of every sequence's first token.
  std::vector<int32_t> protected_rows(const std::vector<int32_t>& offsets, int32_t start) const;
};

// The rows that are alive, packed: sequence s is rows offsets[s] .. offsets[s + 1] - 1. The arrays are on the device.
struct LiveRows {
  std::vector<int32_t> offsets;
  int32_t* device_offsets = nullptr;  // (sequences + 1) the same
  int32_t* gaps = nullptr;            // (rows) how many positions each row is after the one before it in its sequence
  // (rows) original positions, tokens that each row stands for, 1 for protected rows; null without a reduction
  int32_t *positions = nullptr, *sizes = nullptr, *is_protected = nullptr;

  LiveRows() = default;
  // Arrays for `rows` rows; no offsets yet.
  LiveRows(Arena& arena, int64_t rows, int64_t sequences, bool reduces);

  int64_t count() const { return offsets.back(); }
  int64_t sequences() const { return int64_t(offsets.size()) - 1; }
  int32_t longest() const;
};

// What a reduction left: the original positions of its rows.
struct KeptRows {
  int32_t layer;
  std::vector<int32_t> offsets, positions;
};

// What select_tokens writes about the rows before, on the device.
struct SelectionBuffers {
  int32_t *kept, *dest_hidden, *dest_residual;  // (rows)
  float* weights;                               // (rows)

  SelectionBuffers(Arena& arena, int64_t rows);
};

// Where a reduction happens, and on what.
struct ReductionSite {
  const Reduction& reduction;
  int32_t layer;
  const double* keep;   // (sequences), on the device
  const float* scores;  // (rows); null where the policy needs none
  Elements hidden;      // (rows, d_model) both branches are reduced in place
  float* residual;      // (rows, d_model)
  int64_t d_model;
  int32_t start;  // the position of every sequence's first token
};

// Reduces both branches after a block: `before` are the rows that are alive, `after` becomes those that stay. Its offsets are
// set already where the policy counts. ERR_NATIVE naming the layer when a score or a feature is not finite, as far as the
// device says so at once.
Status reduce_rows(const ReductionSite& site, const LiveRows& before, const SelectionBuffers& buffers, LiveRows& after,
                   Device& device, ExecContext& context);

// A number that is not finite, which no caller has passed, as ERR_NATIVE with the layer; other results as they are.
Status after_layer(int32_t layer, Status status);

}  // namespace skipscan
