#include "engine/reducer.h"

#include <algorithm>

namespace skipscan {

bool Reduction::at(int32_t layer) const { return std::binary_search(layers.begin(), layers.end(), layer); }

// docs/reduction.md, section 4: half-sets bound what can merge, and `fuse` leaves one row more.
int64_t Reduction::kept_rows(int64_t rows, int64_t protected_rows, double keep_share) const {
  const int64_t candidates = rows - protected_rows;
  int64_t removed = candidates == 0 ? 0 : rows - keep_count(rows, protected_rows, keep_share);
  switch (policy) {
    case ReductionPolicy::utrc: removed = std::min(removed, candidates / 2); break;
    case ReductionPolicy::merge:
    case ReductionPolicy::released_utrc: removed = candidates < 2 ? 0 : std::min(removed, (candidates + 1) / 2); break;
    case ReductionPolicy::prune: removed -= fuse && removed > 0; break;
    default: break;
  }
  return rows - removed;
}

std::vector<int32_t> Reduction::protected_rows(const std::vector<int32_t>& offsets, int32_t start) const {
  std::vector<int32_t> result(size_t(offsets.back()));
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    const int32_t begin = offsets[s], end = offsets[s + 1];
    for (int32_t row = std::max(begin, end - protect_last); row < end; ++row) result[size_t(row)] = 1;
    for (int32_t position : protect) {
      if (position >= start && position < start + end - begin) result[size_t(begin + position - start)] = 1;
    }
  }
  return result;
}

LiveRows::LiveRows(Arena& arena, int64_t rows, int64_t sequences, bool reduces)
    : device_offsets(arena.take<int32_t>(sequences + 1)), gaps(arena.take<int32_t>(rows)) {
  if (!reduces) return;
  positions = arena.take<int32_t>(rows);
  sizes = arena.take<int32_t>(rows);
  is_protected = arena.take<int32_t>(rows);
}

int32_t LiveRows::longest() const {
  int32_t longest = 0;
  for (size_t s = 0; s + 1 < offsets.size(); ++s) longest = std::max(longest, offsets[s + 1] - offsets[s]);
  return longest;
}

SelectionBuffers::SelectionBuffers(Arena& arena, int64_t rows)
    : kept(arena.take<int32_t>(rows)),
      dest_hidden(arena.take<int32_t>(rows)),
      dest_residual(arena.take<int32_t>(rows)),
      weights(arena.take<float>(rows)) {}

Status after_layer(int32_t layer, Status status) {
  if (status.code != Code::argument) return status;
  status.code = Code::native;
  status.message = "After layer " + std::to_string(layer) + ": " + status.message;
  return status;
}

Status reduce_rows(const ReductionSite& site, const LiveRows& before, const SelectionBuffers& buffers, LiveRows& after,
                   Device& device, ExecContext& context) {
  const Reduction& r = site.reduction;
  const bool compares = needs_features(r.policy);
  const ConstElements residual = site.residual;
  const ConstElements features = r.similarity == Similarity::residual ? residual : ConstElements(site.hidden);
  Status status = device.backend().select_tokens.run(
      {.scores = needs_scores(r.policy) ? site.scores : nullptr,
       .features = compares ? features : ConstElements(),
       .added_features = compares && r.similarity == Similarity::sum ? residual : ConstElements(),
       .positions = before.positions,
       .is_protected = before.is_protected,
       .sizes = before.sizes,
       .offsets = before.device_offsets,
       .keep = site.keep,
       .kept = buffers.kept,
       .kept_sizes = after.sizes,
       .kept_offsets = after.device_offsets,
       .dest_hidden = buffers.dest_hidden,
       .dest_residual = buffers.dest_residual,
       .weights = buffers.weights,
       .dim = site.d_model,
       .rows = int32_t(before.count()),
       .sequences = int32_t(before.sequences()),
       .longest = before.longest(),
       .policy = r.policy,
       .q_hidden = r.q_hidden,
       .q_residual = r.q_residual,
       .prune_below = r.prune_below,
       .merge_above = r.merge_above,
       .seed = r.seed,
       .layer = site.layer,
       .fuse = r.fuse,
       .forward = r.forward},
      context);
  SKIPSCAN_TRY(after_layer(site.layer, std::move(status)));
  if (!r.counts()) {
    after.offsets.resize(before.offsets.size());
    SKIPSCAN_TRY(device.download(after.offsets.data(), after.device_offsets, after.offsets.size() * sizeof(int32_t)));
  }
  return device.backend().reduce_tokens.run({.hidden = site.hidden,
                                             .residual = site.residual,
                                             .dest_hidden = buffers.dest_hidden,
                                             .dest_residual = buffers.dest_residual,
                                             .weights = buffers.weights,
                                             .kept = buffers.kept,
                                             .hidden_out = site.hidden,
                                             .residual_out = site.residual,
                                             .rows = before.count(),
                                             .kept_rows = after.count(),
                                             .dim = site.d_model,
                                             .positions = before.positions,
                                             .is_protected = before.is_protected,
                                             .kept_offsets = after.device_offsets,
                                             .positions_out = after.positions,
                                             .protected_out = after.is_protected,
                                             .gap_out = after.gaps,
                                             .sequences = int32_t(before.sequences()),
                                             .start = site.start},
                                            context);
}

}  // namespace skipscan
