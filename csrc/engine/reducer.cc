#include "engine/reducer.h"

namespace skipscan {

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
  const Backend& backend = device.backend();
  if (needs_scores(r.policy) && is_novel(r.metric)) {
    SKIPSCAN_TRY(backend.token_importance.run({.x = site.hidden,
                                               .added = site.residual,
                                               .offsets = before.device_offsets,
                                               .scores = site.scores,
                                               .rows = before.count(),
                                               .channels = site.d_model,
                                               .x_stride = site.d_model,
                                               .added_stride = site.d_model,
                                               .sequences = int32_t(before.sequences()),
                                               .metric = r.metric},
                                              context));
  }
  const bool compares = needs_features(r.policy);
  const ConstElements residual = site.residual;
  const ConstElements features = r.similarity == Similarity::residual ? residual : ConstElements(site.hidden);
  Status status = backend.select_tokens.run(
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
  return backend.reduce_tokens.run({.hidden = site.hidden,
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
