#include "engine/forward_pass.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace skipscan {
namespace {

constexpr int32_t kTileRows = 256;
constexpr int32_t kWholeSequences = std::numeric_limits<int32_t>::max();

bool is_novel(ImportanceMetric metric) {
  return metric == ImportanceMetric::novel || metric == ImportanceMetric::novel2;
}

// The largest tile of any layer (tile_limit), and the last rows of all sequences, which the head takes at once.
int64_t most_rows_at_once(const ForwardInput& in, const ForwardOutput& out) {
  const Reduction* r = in.reduction;
  const bool whole = r && (r->scores_whole_sequences() || r->alignment == Alignment::previous);
  const int64_t rows = in.batch.rows(), tile = whole ? rows : std::min<int64_t>(rows, kTileRows);
  return out.last_only ? std::max(tile, in.batch.sequences()) : tile;
}

}  // namespace

Workspace::Workspace(Arena& arena, const ModelConfig& config, const ForwardInput& in, const ForwardOutput& out)
    : hidden(arena.take<float>(in.batch.rows() * config.d_model)),
      residual(arena.take<float>(in.batch.rows() * config.d_model)),
      scores(arena.take<float>(in.reduction ? in.batch.rows() : 0)),
      conv_state(arena.take<float>(in.state ? 0 : in.batch.sequences() * config.conv_state_size())),
      ssm_state(arena.take<float>(in.state ? 0 : in.batch.sequences() * config.ssm_state_size())),
      block(arena, config, most_rows_at_once(in, out), in.reduction && in.reduction->scores_whole_sequences()) {}

ForwardPass::ForwardPass(const ModelConfig& config, const Weights& weights, const Backend& backend,
                         const ForwardInput& in, ForwardOutput& out, const Workspace& workspace, ThreadPool& pool)
    : config_(config),
      weights_(weights),
      backend_(backend),
      in_(in),
      out_(out),
      w_(workspace),
      context_{pool},
      rows_(in.batch.offsets, in.start, in.reduction) {}

Status ForwardPass::run() {
  SKIPSCAN_TRY(backend_.embedding.run(
      {.ids = in_.batch.tokens, .table = weights_.embedding, .out = w_.hidden, .rows = rows_.count()}, context_));
  collect_hidden(0, nullptr);
  for (int32_t layer = 0; layer < config_.layers; ++layer) {
    SKIPSCAN_TRY(run_layer(layer));
    collect_hidden(layer + 1, w_.residual);
    if (reduces(layer)) SKIPSCAN_TRY(reduce(layer));
  }
  if (out_.hidden) {
    SKIPSCAN_TRY(backend_.rms_norm.run({.x = w_.hidden,
                                        .residual_in = w_.residual,
                                        .weight = weights_.final_norm,
                                        .residual_out = nullptr,
                                        .out = out_.hidden + (config_.layers + 1) * rows_.count() * config_.d_model,
                                        .rows = rows_.count(),
                                        .dim = config_.d_model,
                                        .eps = config_.norm_eps},
                                       context_));
  }
  return write_logits();
}

// How many rows of a sequence a block may take at once. The whole sequence where its rows depend on what a cut would lose:
// for the metric `state` on the steps to come, for the alignment `previous` on the last step's dt.
int32_t ForwardPass::tile_limit(int32_t layer) const {
  const Reduction* r = in_.reduction;
  if (!r) return kTileRows;
  const bool scores_whole = r->scores_whole_sequences() && r->at(layer);
  const bool looks_back = r->alignment == Alignment::previous && rows_.count() < in_.batch.rows();
  return scores_whole || looks_back ? kWholeSequences : kTileRows;
}

Status ForwardPass::run_layer(int32_t layer) {
  if (const int32_t limit = tile_limit(layer); limit != tile_limit_) {
    tiles_ = make_tiles(rows_.offsets, rows_.gaps(), limit);
    tile_limit_ = limit;
  }
  float *conv_state = w_.conv_state, *ssm_state = w_.ssm_state;
  if (in_.state) {
    conv_state = in_.state->conv(layer);
    ssm_state = in_.state->ssm(layer);
  } else {
    std::memset(conv_state, 0, size_t(rows_.sequences() * config_.conv_state_size()) * sizeof(float));
    std::memset(ssm_state, 0, size_t(rows_.sequences() * config_.ssm_state_size()) * sizeof(float));
  }
  const auto run_block = config_.family == Family::mamba ? run_mamba : run_mamba2;
  for (const Tile& tile : tiles_) {
    SKIPSCAN_TRY(check_cancelled());
    float* const residual = w_.residual + tile.row * config_.d_model;
    BlockTile io = {.rows = tile.rows,
                    .path = tile.path.view(),
                    .hidden = w_.hidden + tile.row * config_.d_model,
                    .residual_in = layer == 0 ? nullptr : residual,
                    .residual_out = residual,
                    .conv_state = conv_state + tile.sequence * config_.conv_state_size(),
                    .ssm_state = ssm_state + tile.sequence * config_.ssm_state_size(),
                    .reduction = {}};
    if (const Reduction* r = in_.reduction) {
      const bool scores = r->at(layer) && needs_scores(r->policy) && !is_novel(r->metric);
      io.reduction = {.alignment = r->alignment,
                      .conv = r->conv,
                      .importance = scores ? w_.scores + tile.row : nullptr,
                      .metric = r->metric,
                      .source = r->source};
    }
    SKIPSCAN_TRY(run_block({config_, weights_.blocks[size_t(layer)], backend_, io, w_.block, context_}));
  }
  return {};
}

Status ForwardPass::reduce(int32_t layer) {
  const Reduction& r = *in_.reduction;
  if (needs_scores(r.policy) && is_novel(r.metric)) {
    SKIPSCAN_TRY(backend_.token_importance.run({.x = w_.hidden,
                                                .added = w_.residual,
                                                .offsets = rows_.offsets.data(),
                                                .scores = w_.scores,
                                                .rows = rows_.count(),
                                                .channels = config_.d_model,
                                                .x_stride = config_.d_model,
                                                .added_stride = config_.d_model,
                                                .sequences = int32_t(rows_.sequences()),
                                                .metric = r.metric},
                                               context_));
  }
  const int64_t before = rows_.count();
  SKIPSCAN_TRY(reduce_rows(r, layer, backend_, w_.scores, w_.hidden, w_.residual, config_.d_model, rows_, context_));
  if (rows_.count() != before) tile_limit_ = 0;
  out_.kept.push_back({layer, rows_.offsets, rows_.positions});
  return {};
}

Status ForwardPass::write_logits() {
  if (!out_.last_only) {
    for (int64_t row = 0; row < rows_.count(); row += kTileRows) {
      SKIPSCAN_TRY(check_cancelled());
      const int64_t rows = std::min<int64_t>(kTileRows, rows_.count() - row);
      SKIPSCAN_TRY(head(row, rows, out_.logits + row * config_.vocab));
    }
    return {};
  }
  // The last rows move to the front: row s is read no later than it is written.
  for (int64_t s = 0; s < rows_.sequences(); ++s) {
    const int64_t last = rows_.offsets[size_t(s) + 1] - 1, bytes = config_.d_model * int64_t(sizeof(float));
    std::memmove(w_.hidden + s * config_.d_model, w_.hidden + last * config_.d_model, size_t(bytes));
    std::memmove(w_.residual + s * config_.d_model, w_.residual + last * config_.d_model, size_t(bytes));
  }
  return head(0, rows_.sequences(), out_.logits);
}

Status ForwardPass::head(int64_t first_row, int64_t rows, float* logits) {
  SKIPSCAN_TRY(backend_.rms_norm.run({.x = w_.hidden + first_row * config_.d_model,
                                      .residual_in = w_.residual + first_row * config_.d_model,
                                      .weight = weights_.final_norm,
                                      .residual_out = nullptr,
                                      .out = w_.block.normed,
                                      .rows = rows,
                                      .dim = config_.d_model,
                                      .eps = config_.norm_eps},
                                     context_));
  return backend_.linear.run({.x = w_.block.normed,
                              .weight = weights_.head,
                              .bias = nullptr,
                              .y = logits,
                              .rows = rows,
                              .x_stride = config_.d_model,
                              .y_stride = config_.vocab},
                             context_);
}

Status ForwardPass::check_cancelled() const {
  if (!in_.cancelled || !__atomic_load_n(in_.cancelled, __ATOMIC_RELAXED)) return {};
  return fail(Code::aborted, "The call was aborted.");
}

// The residual stream as it is: the hidden branch, with what it is added to.
void ForwardPass::collect_hidden(int32_t slice, const float* added) {
  if (!out_.hidden) return;
  const int64_t count = rows_.count() * config_.d_model;
  float* to = out_.hidden + slice * count;
  for (int64_t i = 0; i < count; ++i) to[i] = w_.hidden[i] + (added ? added[i] : 0.f);
}

}  // namespace skipscan
