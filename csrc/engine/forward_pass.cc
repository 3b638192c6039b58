#include "engine/forward_pass.h"

#include "engine/pass_inputs.h"
#include "engine/recording_key.h"

#include <algorithm>
#include <limits>

namespace skipscan {
namespace {

constexpr int64_t kLogitRows = 256;  // rows of logits at once, where all are wanted
constexpr int32_t kWholeSequences = std::numeric_limits<int32_t>::max();

// The largest tile of any layer (tile_limit).
int64_t largest_tile(const ForwardInput& in, int32_t tile_rows) {
  const Reduction* r = in.reduction;
  const bool whole = r && (r->scores_whole_sequences() || r->alignment == Alignment::previous);
  return whole ? in.batch.rows() : std::min<int64_t>(in.batch.rows(), tile_rows);
}

// The last rows of all sequences, which the head takes at once, may be more than a tile.
int64_t most_rows_at_once(const ForwardInput& in, const ForwardOutput& out, int32_t tile_rows) {
  const int64_t tile = largest_tile(in, tile_rows);
  return out.last_only ? std::max(tile, in.batch.sequences()) : tile;
}

int64_t rows_of_logits(const ForwardSetting& setting, const ForwardInput& in, const ForwardOutput& out) {
  if (setting.device.is_host()) return 0;
  return out.last_only ? in.batch.sequences() : std::min(in.batch.rows(), kLogitRows);
}

}  // namespace

PassInputs::PassInputs(Arena& arena, const ForwardInput& in, int64_t tile_rows)
    : begin(arena.take<std::byte>(0)),
      keep(arena.take<double>(in.reduction ? in.batch.sequences() : 0)),
      tokens(arena.take<int32_t>(in.batch.rows())),
      steps(arena.take<int32_t>(tile_rows)),
      rows(arena, in.batch.rows(), in.batch.sequences(), in.reduction != nullptr),
      end(arena.take<std::byte>(0)) {}

Workspace::Workspace(Arena& arena, const ForwardSetting& setting, const ForwardInput& in, const ForwardOutput& out)
    : inputs(arena, in, largest_tile(in, setting.device.backend().tile_rows)),
      reduced(rows_after_reductions(arena, in.reduction, in.batch.rows(), in.batch.sequences())),
      selection(arena, in.reduction ? in.batch.rows() : 0),
      tile_offsets(arena.take<int32_t>(
          Tiles::most_offsets(in.batch.sequences(), in.batch.rows(), setting.device.backend().tile_rows))),
      last_rows(arena.take<int32_t>(in.batch.sequences())),
      hidden(take(arena, setting.activations, in.batch.rows() * setting.config.d_model)),
      residual(arena.take<float>(in.batch.rows() * setting.config.d_model)),
      scores(arena.take<float>(in.reduction ? in.batch.rows() : 0)),
      conv_state(arena.take<float>(in.state ? 0 : in.batch.sequences() * setting.config.conv_state_size())),
      ssm_state(arena.take<float>(in.state ? 0 : in.batch.sequences() * setting.config.ssm_state_size())),
      block(arena, setting.config, setting.activations, most_rows_at_once(in, out, setting.device.backend().tile_rows),
            in.reduction && in.reduction->scores_whole_sequences()),
      logits(arena.take<float>(rows_of_logits(setting, in, out) * setting.config.vocab)) {}

ForwardPass::ForwardPass(const ForwardSetting& setting, const ForwardInput& in, ForwardOutput& out,
                         Workspace& workspace, ThreadPool& pool)
    : config_(setting.config),
      weights_(setting.weights),
      device_(setting.device),
      backend_(setting.device.backend()),
      in_(in),
      out_(out),
      w_(workspace),
      context_(setting.device.context(pool)),
      rows_(&workspace.inputs.rows) {}

Status ForwardPass::run() {
  SKIPSCAN_TRY(send_inputs());
  if (in_.reduction) count_kept_rows(*in_.reduction, w_.inputs.rows, in_.start, w_.reduced);
  SKIPSCAN_TRY(device_.queue(recording_key(), [this] { return walk(); }));
  if (!device_.is_host() && out_.last_only) {
    const size_t bytes = size_t(in_.batch.sequences() * config_.vocab) * sizeof(float);
    SKIPSCAN_TRY(device_.download(out_.logits, w_.logits, bytes));
  }
  if (in_.reduction) SKIPSCAN_TRY(fetch_kept(*in_.reduction, w_.reduced, device_, out_.kept));
  int layer = 0;
  Status status = device_.wait(&layer);
  return after_layer(layer, std::move(status));
}

Status ForwardPass::send_inputs() {
  const PassInputs& inputs = w_.inputs;
  InputBlock block(inputs.begin, inputs.end);
  const int64_t rows = in_.batch.rows();
  block.fill(inputs.tokens, std::vector<int32_t>(in_.batch.tokens, in_.batch.tokens + rows));
  block.fill(inputs.steps, counting(largest_tile(in_, backend_.tile_rows)));
  w_.inputs.rows.offsets = in_.batch.offsets;
  w_.inputs.rows.fill(block, in_.reduction, in_.start);
  if (in_.reduction) block.fill(inputs.keep, in_.reduction->keep);
  return block.send(device_);
}

// What a recording depends on besides the content of the inputs: shapes, the policy, and every address that is not the
// weights'.
std::string ForwardPass::recording_key() const {
  const Reduction* r = in_.reduction;
  if (!out_.last_only || out_.hidden || (r && !r->counts())) return {};
  std::string key;
  const void* const addresses[] = {w_.inputs.begin, in_.state ? in_.state->conv(0) : nullptr};
  append(key, addresses, 2);
  append(key, in_.batch.offsets);
  if (!r) return key;
  append_to_key(*r, w_.reduced, key);
  append(key, &in_.start, 1);
  return key;
}

Status ForwardPass::walk() {
  rows_ = &w_.inputs.rows;
  reductions_ = 0;
  tile_limit_ = 0;
  SKIPSCAN_TRY(backend_.embedding.run(
      {.ids = w_.inputs.tokens, .table = weights_.embedding, .out = w_.hidden, .rows = rows_->count()}, context_));
  SKIPSCAN_TRY(collect_hidden(0, false));
  for (int32_t layer = 0; layer < config_.layers; ++layer) {
    SKIPSCAN_TRY(run_layer(layer));
    SKIPSCAN_TRY(collect_hidden(layer + 1, true));
    if (reduces(layer)) SKIPSCAN_TRY(reduce(layer));
  }
  SKIPSCAN_TRY(collect_final_norm());
  return out_.last_only ? write_last_logits() : write_logits();
}

// How many rows of a sequence a block may take at once. The whole sequence where its rows depend on what a cut would lose:
// for the metric `state` on the steps to come, for the alignment `previous` on the last step's dt.
int32_t ForwardPass::tile_limit(int32_t layer) const {
  const Reduction* r = in_.reduction;
  if (!r) return backend_.tile_rows;
  const bool scores_whole = r->scores_whole_sequences() && r->at(layer);
  const bool looks_back = r->alignment == Alignment::previous && rows_->count() < in_.batch.rows();
  return scores_whole || looks_back ? kWholeSequences : backend_.tile_rows;
}

Status ForwardPass::run_layer(int32_t layer) {
  if (const int32_t limit = tile_limit(layer); limit != tile_limit_) {
    tiles_ = Tiles(rows_->offsets, limit);
    tile_limit_ = limit;
    SKIPSCAN_TRY(
        device_.upload(w_.tile_offsets, tiles_.offsets.data(), tiles_.offsets.size() * sizeof(tiles_.offsets[0])));
  }
  float *conv_state = w_.conv_state, *ssm_state = w_.ssm_state;
  if (in_.state) {
    conv_state = in_.state->conv(layer);
    ssm_state = in_.state->ssm(layer);
  } else {
    const size_t sequences = size_t(rows_->sequences()) * sizeof(float);
    SKIPSCAN_TRY(device_.clear(conv_state, sequences * size_t(config_.conv_state_size())));
    SKIPSCAN_TRY(device_.clear(ssm_state, sequences * size_t(config_.ssm_state_size())));
  }
  const auto run_block = config_.family == Family::mamba ? run_mamba : run_mamba2;
  for (const Tile& tile : tiles_.tiles) {
    SKIPSCAN_TRY(check_cancelled(in_.cancelled));
    float* const residual = residual_row(tile.row);
    BlockTile io = {.rows = tile.rows,
                    .path = {.index = w_.inputs.steps,
                             .param_index = w_.inputs.steps,
                             .gap = rows_->gaps + tile.row,
                             .offsets = w_.tile_offsets + tile.first_offset,
                             .sequences = tile.sequences,
                             .steps = int32_t(tile.rows),
                             .longest = tile.longest},
                    .hidden = hidden_row(tile.row),
                    .residual_in = layer == 0 ? nullptr : residual,
                    .residual_out = residual,
                    .conv_state = conv_state + tile.sequence * config_.conv_state_size(),
                    .ssm_state = ssm_state + tile.sequence * config_.ssm_state_size(),
                    .reduction = {}};
    if (const Reduction* r = in_.reduction) {
      const bool scores = r->at(layer) && r->scores_in_block();
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
  LiveRows& after = w_.reduced[reductions_++];
  if (after.positions == rows_->positions) return {};  // nothing to remove
  const ReductionSite site = {.reduction = r,
                              .layer = layer,
                              .keep = w_.inputs.keep,
                              .scores = w_.scores,
                              .hidden = w_.hidden,
                              .residual = w_.residual,
                              .d_model = config_.d_model,
                              .start = in_.start};
  SKIPSCAN_TRY(reduce_rows(site, *rows_, w_.selection, after, device_, context_));
  rows_ = &after;
  tile_limit_ = 0;
  return {};
}

// Whole sequences' logits leave the device tile by tile: all at once they could be larger than the model.
Status ForwardPass::write_logits() {
  for (int64_t row = 0; row < rows_->count(); row += kLogitRows) {
    SKIPSCAN_TRY(check_cancelled(in_.cancelled));
    const int64_t rows = std::min(kLogitRows, rows_->count() - row);
    float* const out = out_.logits + row * config_.vocab;
    SKIPSCAN_TRY(head(row, nullptr, rows, device_.is_host() ? out : w_.logits));
    if (!device_.is_host()) {
      SKIPSCAN_TRY(device_.download(out, w_.logits, size_t(rows * config_.vocab) * sizeof(float)));
    }
  }
  return {};
}

Status ForwardPass::write_last_logits() {
  std::vector<int32_t> last;
  for (size_t s = 1; s < rows_->offsets.size(); ++s) last.push_back(rows_->offsets[s] - 1);
  SKIPSCAN_TRY(device_.upload(w_.last_rows, last.data(), last.size() * sizeof(int32_t)));
  return head(0, w_.last_rows, int64_t(last.size()), device_.is_host() ? out_.logits : w_.logits);
}

// The final norm and the product with the vocabulary, for `rows` rows from first_row on, or those of `index`.
Status ForwardPass::head(int64_t first_row, const int32_t* index, int64_t rows, float* logits) {
  SKIPSCAN_TRY(backend_.rms_norm.run({.x = hidden_row(first_row),
                                      .residual_in = residual_row(first_row),
                                      .weight = weights_.final_norm,
                                      .residual_out = nullptr,
                                      .out = w_.block.normed,
                                      .rows = rows,
                                      .dim = config_.d_model,
                                      .eps = config_.norm_eps,
                                      .index = index},
                                     context_));
  return backend_.linear.run({.x = w_.block.normed,
                              .weight = weights_.head(),
                              .bias = nullptr,
                              .y = logits,
                              .rows = rows,
                              .x_stride = config_.d_model,
                              .y_stride = config_.vocab},
                             context_);
}

// The residual stream as it is: the hidden branch, with what it is added to.
Status ForwardPass::collect_hidden(int32_t slice, bool with_residual) {
  if (!out_.hidden) return {};
  const int64_t count = rows_->count() * config_.d_model;
  float* const to = out_.hidden + slice * count;
  SKIPSCAN_TRY(download_floats(device_, to, w_.hidden, count));
  if (!with_residual) return {};
  std::vector<float> residual(size_t(count), 0.f);
  SKIPSCAN_TRY(download_floats(device_, residual.data(), w_.residual, count));
  for (int64_t i = 0; i < count; ++i) to[i] += residual[size_t(i)];
  return {};
}

Status ForwardPass::collect_final_norm() {
  if (!out_.hidden) return {};
  float* const to = out_.hidden + (config_.layers + 1) * rows_->count() * config_.d_model;
  for (int64_t row = 0; row < rows_->count(); row += backend_.tile_rows) {
    const int64_t rows = std::min<int64_t>(backend_.tile_rows, rows_->count() - row);
    SKIPSCAN_TRY(backend_.rms_norm.run({.x = hidden_row(row),
                                        .residual_in = residual_row(row),
                                        .weight = weights_.final_norm,
                                        .residual_out = nullptr,
                                        .out = w_.block.normed,
                                        .rows = rows,
                                        .dim = config_.d_model,
                                        .eps = config_.norm_eps},
                                       context_));
    SKIPSCAN_TRY(download_floats(device_, to + row * config_.d_model, w_.block.normed, rows * config_.d_model));
  }
  return {};
}

}  // namespace skipscan
