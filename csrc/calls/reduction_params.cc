// The params of the operators that reduce tokens.
#include <numeric>

#include "calls/op_params.h"

namespace skipscan {
namespace {

ReductionPolicy read_policy(const OpReader& p) {
  return p.choice<ReductionPolicy>("policy", {{"utrc", ReductionPolicy::utrc},
                                              {"prune", ReductionPolicy::prune},
                                              {"merge", ReductionPolicy::merge},
                                              {"ltmp", ReductionPolicy::ltmp},
                                              {"uniform", ReductionPolicy::uniform},
                                              {"random", ReductionPolicy::random},
                                              {"recent", ReductionPolicy::recent},
                                              {"released-utrc", ReductionPolicy::released_utrc}});
}

// A number that must lie in a range, so that what is counted with it does.
double read_share(const OpReader& p, const char* name) {
  const double value = p.number(name);
  if (!(value >= 0 && value <= 1)) p.mismatch(name, "a number from 0 to 1");
  return value;
}

constexpr int32_t kMostInt32 = 0x7fffffff;

// How many tokens the rows stand for, together with those that merge into them: no sum of them leaves int32.
const int32_t* read_sizes(const OpReader& p, int64_t rows) {
  if (!p.has("sizes")) return nullptr;
  const std::vector<int32_t>& sizes = p.checked_indices("sizes", rows, kMostInt32);
  if (std::accumulate(sizes.begin(), sizes.end(), int64_t(0)) > kMostInt32) {
    p.mismatch("sizes", "sizes whose sum is at most 2147483647");
  }
  return p.placed(sizes);
}

// What describes the rows of packed sequences.
void read_descriptions(const OpReader& p, ReduceTokensParams& to) {
  const std::vector<int32_t>& offsets = p.offsets("keptOffsets");
  if (offsets.back() != to.kept_rows) {
    p.mismatch("keptOffsets", "ascending offsets from 0 to the number of rows that stay");
  }
  to.positions = p.indices("positions", to.rows, kMostInt32);  // so that the distance of any two is an int32
  to.is_protected = p.integers("protected", to.rows);
  to.kept_offsets = p.placed(offsets);
  to.positions_out = p.tensor<int32_t>("positionsOut", {to.kept_rows});
  to.protected_out = p.tensor<int32_t>("protectedOut", {to.kept_rows});
  to.gap_out = p.tensor<int32_t>("gapOut", {to.kept_rows});
  to.sequences = int32_t(offsets.size()) - 1;
  to.start = int32_t(p.count("start", kMostInt32));
}

}  // namespace

void read(const OpReader& p, TokenImportanceParams& to) {
  const std::vector<int32_t>& offsets = p.offsets("offsets");
  const int64_t rows = offsets.back(), channels = p.size("channels");
  to = {.x = p.rows("x", rows, channels),
        .added = p.optional_rows("added", rows, channels),
        .offsets = p.placed(offsets),
        .scores = p.tensor("scores", {rows}),
        .rows = rows,
        .channels = channels,
        .x_stride = p.stride("x", channels),
        .added_stride = p.stride("added", channels),
        .sequences = int32_t(offsets.size()) - 1,
        .metric = p.choice<ImportanceMetric>("metric", {{"clip", ImportanceMetric::clip},
                                                        {"l1", ImportanceMetric::l1},
                                                        {"l2", ImportanceMetric::l2},
                                                        {"sum", ImportanceMetric::sum},
                                                        {"novel", ImportanceMetric::novel},
                                                        {"novel2", ImportanceMetric::novel2}})};
}

void read(const OpReader& p, SelectTokensParams& to) {
  const std::vector<int32_t>& offsets = p.offsets("offsets");
  const int64_t sequences = int64_t(offsets.size()) - 1, rows = offsets.back();
  const ReductionPolicy policy = read_policy(p);
  const int64_t dim = needs_features(policy) ? p.size("dim") : 0;
  int32_t longest = 0;
  for (size_t s = 0; s + 1 < offsets.size(); ++s) longest = std::max(longest, offsets[s + 1] - offsets[s]);
  to = {.scores = needs_scores(policy) ? p.tensor("scores", {rows}) : nullptr,
        .features = needs_features(policy) ? p.activations("features", {rows, dim}) : Elements(),
        .added_features = needs_features(policy) ? p.optional_activations("addedFeatures", {rows, dim}) : Elements(),
        .positions = policy == ReductionPolicy::random ? p.integers("positions", rows) : nullptr,
        .is_protected = p.optional_integers("protected", rows),
        .sizes = read_sizes(p, rows),
        .offsets = p.placed(offsets),
        .keep = p.repeated(read_share(p, "keep"), sequences),
        .kept = p.tensor<int32_t>("kept", {rows}),
        .kept_sizes = p.tensor<int32_t>("keptSizes", {rows}),
        .kept_offsets = p.tensor<int32_t>("keptOffsets", {sequences + 1}),
        .dest_hidden = p.tensor<int32_t>("destHidden", {rows}),
        .dest_residual = p.tensor<int32_t>("destResidual", {rows}),
        .weights = p.tensor("weights", {rows}),
        .dim = dim,
        .rows = int32_t(rows),
        .sequences = int32_t(sequences),
        .longest = longest,
        .policy = policy,
        .q_hidden = read_share(p, "qHidden"),
        .q_residual = read_share(p, "qResidual"),
        .prune_below = p.number("pruneBelow"),
        .merge_above = p.number("mergeAbove"),
        .seed = uint64_t(p.count("seed", 0x1p53)),
        .layer = int32_t(p.count("layer", kMostInt32)),
        .fuse = p.flag("fuse"),
        .forward = p.flag("forward")};
}

void read(const OpReader& p, ReduceTokensParams& to) {
  const int64_t rows = p.size("rows"), kept_rows = p.size("keptRows"), dim = p.size("dim");
  const bool both = p.has("residual");
  const std::vector<int32_t>& kept = p.checked_indices("kept", kept_rows, rows);
  if (std::adjacent_find(kept.begin(), kept.end(), std::greater_equal<>()) != kept.end()) {
    p.mismatch("kept", "ascending rows");
  }
  to = {.hidden = p.activations("hidden", {rows, dim}),
        .residual = p.optional("residual", {rows, dim}),
        .dest_hidden = p.indices("destHidden", rows, rows, -1),
        .dest_residual = both ? p.indices("destResidual", rows, rows, -1) : nullptr,
        .weights = p.tensor("weights", {rows}),
        .kept = p.placed(kept),
        .hidden_out = p.activations("hiddenOut", {kept_rows, dim}),
        .residual_out = both ? p.tensor("residualOut", {kept_rows, dim}) : nullptr,
        .rows = rows,
        .kept_rows = kept_rows,
        .dim = dim};
  if (p.has("positions")) read_descriptions(p, to);
}

}  // namespace skipscan
