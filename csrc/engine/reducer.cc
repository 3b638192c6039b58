#include "engine/reducer.h"

#include <algorithm>
#include <numeric>

namespace skipscan {
namespace {

std::vector<int32_t> gather(const std::vector<int32_t>& values, const std::vector<int32_t>& rows) {
  std::vector<int32_t> out(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) out[i] = values[size_t(rows[i])];
  return out;
}

// A selection over all rows: what select_tokens writes for each sequence, with the rows of the packed batch.
struct Selection {
  std::vector<int32_t> kept, kept_sizes, offsets, dest_hidden, dest_residual;
  std::vector<float> weights;

  explicit Selection(size_t rows)
      : kept(rows), kept_sizes(rows), offsets(1, 0), dest_hidden(rows), dest_residual(rows), weights(rows) {}
};

Status select(const Reduction& r, int32_t layer, const Backend& backend, const float* scores, const float* hidden,
              const float* residual, int64_t d_model, const LiveRows& rows, Selection& out, ExecContext& context) {
  const bool compares = needs_features(r.policy);
  const float* features = r.similarity == Similarity::residual ? residual : hidden;
  const float* added = r.similarity == Similarity::sum ? residual : nullptr;
  for (int64_t s = 0; s < rows.sequences(); ++s) {
    const int32_t first = rows.offsets[size_t(s)], count = rows.offsets[size_t(s) + 1] - first;
    const int32_t offsets[2] = {0, count};
    int32_t kept_offsets[2];
    int32_t* const kept = out.kept.data() + out.offsets.back();
    SKIPSCAN_TRY(backend.select_tokens.run({.scores = needs_scores(r.policy) ? scores + first : nullptr,
                                            .features = compares ? features + first * d_model : nullptr,
                                            .added_features = compares && added ? added + first * d_model : nullptr,
                                            .positions = rows.positions.data() + first,
                                            .is_protected = rows.is_protected.data() + first,
                                            .sizes = rows.sizes.data() + first,
                                            .offsets = offsets,
                                            .kept = kept,
                                            .kept_sizes = out.kept_sizes.data() + out.offsets.back(),
                                            .kept_offsets = kept_offsets,
                                            .dest_hidden = out.dest_hidden.data() + first,
                                            .dest_residual = out.dest_residual.data() + first,
                                            .weights = out.weights.data() + first,
                                            .dim = d_model,
                                            .sequences = 1,
                                            .policy = r.policy,
                                            .keep = r.keep.empty() ? 1 : r.keep[size_t(s)],
                                            .q_hidden = r.q_hidden,
                                            .q_residual = r.q_residual,
                                            .prune_below = r.prune_below,
                                            .merge_above = r.merge_above,
                                            .seed = r.seed,
                                            .layer = layer,
                                            .fuse = r.fuse,
                                            .forward = r.forward},
                                           context));
    // From rows of the sequence to rows of the batch.
    for (int32_t i = 0; i < kept_offsets[1]; ++i) kept[i] += first;
    for (int32_t i = first; i < first + count; ++i) {
      for (auto* dest : {&out.dest_hidden, &out.dest_residual}) {
        if ((*dest)[size_t(i)] >= 0) (*dest)[size_t(i)] += first;
      }
    }
    out.offsets.push_back(out.offsets.back() + kept_offsets[1]);
  }
  out.kept.resize(size_t(out.offsets.back()));
  out.kept_sizes.resize(out.kept.size());
  return {};
}

}  // namespace

bool Reduction::at(int32_t layer) const { return std::binary_search(layers.begin(), layers.end(), layer); }

LiveRows::LiveRows(const std::vector<int32_t>& offsets, int32_t start, const Reduction* reduction)
    : offsets(offsets), positions(size_t(offsets.back())), start(start) {
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    std::iota(positions.begin() + offsets[s], positions.begin() + offsets[s + 1], start);
  }
  if (!reduction) return;
  sizes.assign(positions.size(), 1);
  is_protected.assign(positions.size(), 0);
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    const int32_t begin = offsets[s], end = offsets[s + 1];
    for (int32_t row = std::max(begin, end - reduction->protect_last); row < end; ++row) is_protected[size_t(row)] = 1;
    for (int32_t position : reduction->protect) {
      if (position >= start && position < start + end - begin) is_protected[size_t(begin + position - start)] = 1;
    }
  }
}

std::vector<int32_t> LiveRows::gaps() const {
  std::vector<int32_t> gaps(positions.size());
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    int32_t before = start - 1;
    for (int32_t row = offsets[s]; row < offsets[s + 1]; ++row) {
      gaps[size_t(row)] = positions[size_t(row)] - before;
      before = positions[size_t(row)];
    }
  }
  return gaps;
}

Status reduce_rows(const Reduction& reduction, int32_t layer, const Backend& backend, const float* scores,
                   float* hidden, float* residual, int64_t d_model, LiveRows& rows, ExecContext& context) {
  const int64_t count = rows.count();
  Selection selection{size_t(count)};
  Status status = select(reduction, layer, backend, scores, hidden, residual, d_model, rows, selection, context);
  if (!status.ok()) {
    status.code = Code::native;
    status.message = "After layer " + std::to_string(layer) + ": " + status.message;
    return status;
  }
  if (int64_t(selection.kept.size()) == count) return {};  // nothing removed: not a bit changes
  SKIPSCAN_TRY(backend.reduce_tokens.run({.hidden = hidden,
                                          .residual = residual,
                                          .dest_hidden = selection.dest_hidden.data(),
                                          .dest_residual = selection.dest_residual.data(),
                                          .weights = selection.weights.data(),
                                          .kept = selection.kept.data(),
                                          .hidden_out = hidden,
                                          .residual_out = residual,
                                          .rows = count,
                                          .kept_rows = int64_t(selection.kept.size()),
                                          .dim = d_model},
                                         context));
  rows.positions = gather(rows.positions, selection.kept);
  rows.is_protected = gather(rows.is_protected, selection.kept);
  rows.sizes = std::move(selection.kept_sizes);
  rows.offsets = std::move(selection.offsets);
  return {};
}

}  // namespace skipscan
