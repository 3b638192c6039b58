#include "engine/vision_pass.h"

#include <algorithm>

#include "engine/recording_key.h"
#include "engine/released_top.h"

namespace skipscan {
namespace {

// Memory for what the device cannot read or write where the caller has it; null where it can.
float* beyond_host(Arena& arena, const VisionSetting& setting, int64_t count) {
  return setting.device.is_host() ? nullptr : arena.take<float>(count);
}

}  // namespace

VisionWorkspace::Inputs::Inputs(Arena& arena, const VisionInput& in, int64_t rows, int64_t tile_rows)
    : begin(arena.take<std::byte>(0)),
      keep(arena.take<double>(in.reduction ? in.images : 0)),
      steps(arena.take<int32_t>(tile_rows)),
      rows(arena, rows, in.images, true),
      end(arena.take<std::byte>(0)) {}

VisionWorkspace::VisionWorkspace(Arena& arena, const VisionSetting& setting, const VisionInput& in)
    : tile_rows(std::min(setting.tokens() * in.images,
                         std::max<int64_t>(setting.tokens(), setting.device.backend().tile_rows))),
      inputs(arena, in, setting.tokens() * in.images, tile_rows),
      pixels(beyond_host(arena, setting, int64_t(in.images) * 3 * in.size.height * in.size.width)),
      reduced(rows_after_reductions(arena, in.reduction, setting.tokens() * in.images, in.images)),
      selection(arena, in.reduction ? setting.tokens() * in.images : 0),
      tile_offsets(arena.take<int32_t>(2LL * in.images)),
      hidden(take(arena, setting.activations, setting.tokens() * in.images * setting.config.d_model)),
      residual(arena.take<float>(setting.tokens() * in.images * setting.config.d_model)),
      features(take(arena, setting.activations, int64_t(in.images) * setting.config.d_model)),
      logits(beyond_host(arena, setting, int64_t(in.images) * setting.config.classes)),
      stem(arena, setting.config, setting.activations, in.size, setting.device.backend().tile_rows),
      block(arena, setting.config, setting.activations, tile_rows) {
  const VisionConfig& c = setting.config;
  const int64_t tokens = setting.tokens(), rows = tokens * in.images, steps = rows * c.directions();
  for (size_t i = 0; i < reduced.size(); ++i) scores.push_back(arena.take<float>(rows));
  paths = {.index = arena.take<int32_t>(steps),
           .gap = arena.take<int32_t>(steps),
           .moves = setting.tables.moves() ? arena.take<int32_t>(steps) : nullptr,
           .row_at = arena.take<int32_t>(rows)};
  const bool released = in.reduction && in.reduction->released_top;
  spare_hidden = take(arena, setting.activations, released ? rows * c.d_model : 0);
  spare_residual = arena.take<float>(released ? rows * c.d_model : 0);
  released_orders = arena.take<int32_t>(released ? 2 * tokens : 0);
  released_positions = arena.take<int32_t>(released ? rows : 0);
}

VisionPass::VisionPass(const VisionSetting& setting, const VisionInput& in, VisionOutput& out,
                       VisionWorkspace& workspace, ThreadPool& pool)
    : config_(setting.config),
      setting_(setting),
      device_(setting.device),
      backend_(setting.device.backend()),
      in_(in),
      out_(out),
      w_(workspace),
      context_(setting.device.context(pool)) {}

Status VisionPass::run() {
  SKIPSCAN_TRY(send_inputs());
  if (in_.reduction) count_kept_rows(*in_.reduction, w_.inputs.rows, 0, w_.reduced);
  SKIPSCAN_TRY(device_.queue(recording_key(), [this] { return walk(); }));
  SKIPSCAN_TRY(fetch_results());
  int layer = 0;
  Status status = device_.wait(&layer);
  return after_layer(layer, std::move(status));
}

Status VisionPass::send_inputs() {
  InputBlock block(w_.inputs.begin, w_.inputs.end);
  LiveRows& rows = w_.inputs.rows;
  rows.offsets.assign(1, 0);
  for (int32_t i = 0; i < in_.images; ++i) rows.offsets.push_back(rows.offsets.back() + int32_t(setting_.tokens()));
  rows.fill(block, in_.reduction, 0);
  block.fill(w_.inputs.steps, counting(w_.tile_rows));
  if (in_.reduction) block.fill(w_.inputs.keep, in_.reduction->keep);
  SKIPSCAN_TRY(block.send(device_));
  if (!w_.pixels) return {};
  const size_t count = size_t(in_.images) * 3 * size_t(in_.size.height) * size_t(in_.size.width);
  return device_.upload(w_.pixels, in_.pixels, count * sizeof(float));
}

// What a recording depends on besides the content of the inputs: shapes, the policy, and every address that is not the
// weights'.
std::string VisionPass::recording_key() const {
  const Reduction* r = in_.reduction;
  if (out_.hidden || (r && (!r->counts() || r->released_top))) return {};
  std::string key;
  const void* const addresses[] = {w_.inputs.begin, setting_.tables.start()};
  append(key, addresses, std::size(addresses));
  const int32_t shape[] = {in_.images, in_.size.height, in_.size.width};
  append(key, shape, std::size(shape));
  if (r) append_to_key(*r, w_.reduced, key);
  return key;
}

Status VisionPass::walk() {
  rows_ = &w_.inputs.rows;
  reductions_ = 0;
  positions_ = rows_->positions;
  orders_ = setting_.tables.orders();
  places_ = int32_t(setting_.tokens());
  class_place_ = setting_.tables.grid().class_position();
  stream_in_hidden_ = false;
  SKIPSCAN_TRY(make_tokens());
  SKIPSCAN_TRY(make_paths());
  for (int32_t layer = 0; layer < config_.layers; ++layer) {
    SKIPSCAN_TRY(run_layer(layer));
    if (reduces(layer)) SKIPSCAN_TRY(reduce(layer));
    stream_in_hidden_ = false;
    if (setting_.weights.blocks[size_t(layer)].depthwise) SKIPSCAN_TRY(run_depthwise_layer(layer));
    SKIPSCAN_TRY(collect_branches(layer));
  }
  SKIPSCAN_TRY(make_features());
  return backend_.linear.run({.x = w_.features,
                              .weight = setting_.weights.head,
                              .bias = setting_.weights.head_bias,
                              .y = w_.logits ? w_.logits : out_.logits,
                              .rows = in_.images,
                              .x_stride = config_.d_model,
                              .y_stride = config_.classes},
                             context_);
}

// The residual stream starts from the position embedding, to which the first block adds the tokens.
Status VisionPass::make_tokens() {
  const float* const pixels = w_.pixels ? w_.pixels : in_.pixels;
  const VisionStem stem = {config_, setting_.weights, w_.stem, backend_.tile_rows, device_, context_};
  const int64_t tokens = setting_.tokens(), image_size = 3LL * in_.size.height * in_.size.width;
  for (int32_t i = 0; i < in_.images; ++i) {
    SKIPSCAN_TRY(check_cancelled(in_.cancelled));
    SKIPSCAN_TRY(stem.run(pixels + i * image_size, in_.size, setting_.tables.grid(), hidden_row(i * tokens)));
    const size_t bytes = size_t(tokens * config_.d_model) * sizeof(float);
    SKIPSCAN_TRY(device_.copy(residual_row(i * tokens), setting_.tables.start(), bytes));
  }
  return {};
}

// Of the rows that are alive, the tiles and the paths through each of them.
Status VisionPass::make_paths() {
  tiles_ = Tiles(rows_->offsets, backend_.tile_rows, Tiles::Cut::between_sequences);
  SKIPSCAN_TRY(
      device_.upload(w_.tile_offsets, tiles_.offsets.data(), tiles_.offsets.size() * sizeof(tiles_.offsets[0])));
  for (const Tile& tile : tiles_.tiles) {
    const TilePaths paths = paths_of(tile);
    SKIPSCAN_TRY(backend_.scan_paths.run({.positions = positions_ + tile.row,
                                          .offsets = w_.tile_offsets + tile.first_offset,
                                          .orders = orders_,
                                          .labels = setting_.tables.moves(),
                                          .row_at = paths.row_at,
                                          .index = paths.index,
                                          .gap = paths.gap,
                                          .label = paths.moves,
                                          .rows = tile.rows,
                                          .sequences = tile.sequences,
                                          .places = places_,
                                          .directions = config_.directions()},
                                         context_));
  }
  return {};
}

TilePaths VisionPass::paths_of(const Tile& tile) const {
  const int64_t steps = tile.row * config_.directions();
  return {.index = w_.paths.index + steps,
          .gap = w_.paths.gap + steps,
          .moves = w_.paths.moves ? w_.paths.moves + steps : nullptr,
          .row_at = w_.paths.row_at + int64_t(tile.sequence) * places_};
}

VisionTile VisionPass::tile_at(const Tile& tile) const {
  float* const residual = residual_row(tile.row);
  return {.rows = tile.rows,
          .sequences = tile.sequences,
          .longest = tile.longest,
          .offsets = w_.tile_offsets + tile.first_offset,
          .steps = w_.inputs.steps,
          .positions = positions_ + tile.row,
          .paths = paths_of(tile),
          .grid = setting_.tables.grid(),
          .hidden = hidden_row(tile.row),
          .residual_in = stream_in_hidden_ ? nullptr : residual,
          .residual_out = residual,
          .reduction = {}};
}

VisionBlock VisionPass::block_of(int32_t layer, const VisionTile& tile) {
  return {config_, setting_.weights.blocks[size_t(layer)], backend_, tile, w_.block, context_};
}

Status VisionPass::run_layer(int32_t layer) {
  const auto run_block = config_.family == VisionFamily::vim ? run_vim : run_plain_mamba;
  const Reduction* r = in_.reduction;
  for (const Tile& tile : tiles_.tiles) {
    SKIPSCAN_TRY(check_cancelled(in_.cancelled));
    VisionTile io = tile_at(tile);
    if (r) {
      const bool scores = r->at(layer) && (r->released_top || r->scores_in_block());
      io.released_scores = scores && r->released_top;
      io.reduction = {.alignment = r->alignment,
                      .conv = r->conv,
                      .importance = scores ? w_.scores[reductions_] + tile.row : nullptr,
                      .metric = r->released_top ? ImportanceMetric::sum : r->metric,
                      .source = r->released_top ? ImportanceSource::gated : r->source};
    }
    SKIPSCAN_TRY(run_block(block_of(layer, io)));
  }
  return {};
}

Status VisionPass::reduce(int32_t layer) {
  const size_t i = reductions_++;
  const LiveRows& before = *rows_;
  LiveRows& after = w_.reduced[i];
  if (after.positions == before.positions) return {};  // nothing to remove
  if (in_.reduction->released_top) return reduce_as_released();
  const ReductionSite site = {.reduction = *in_.reduction,
                              .layer = layer,
                              .keep = w_.inputs.keep,
                              .scores = w_.scores[i],
                              .hidden = w_.hidden,
                              .residual = w_.residual,
                              .d_model = config_.d_model,
                              .start = 0};
  SKIPSCAN_TRY(reduce_rows(site, before, w_.selection, after, device_, context_));
  rows_ = &after;
  positions_ = after.positions;
  return make_paths();
}

// The class token moves, so that the rows that are left are in another order than their positions: they are a whole sequence of
// their own from here on.
Status VisionPass::reduce_as_released() {
  const LiveRows &before = *rows_, &after = w_.reduced[reductions_ - 1];
  std::vector<float> scores(size_t(before.count()));
  SKIPSCAN_TRY(device_.download(scores.data(), w_.scores[reductions_ - 1], scores.size() * sizeof(float)));
  std::vector<int32_t> kept, dest(scores.size(), -1), places;
  for (size_t s = 0; s + 1 < before.offsets.size(); ++s) {
    const int32_t begin = before.offsets[s], left = after.offsets[s + 1] - after.offsets[s];
    for (int32_t row : released_top_rows(scores.data() + begin, before.offsets[s + 1] - begin, left)) {
      places.push_back(int32_t(kept.size()) - after.offsets[s]);
      kept.push_back(begin + row);
      dest[size_t(begin + row)] = begin + row;
    }
  }
  places_ = after.longest();
  class_place_ = places_ / 2;
  const auto send = [&](auto* to, const auto& values) {
    return device_.upload(to, values.data(), values.size() * sizeof(values[0]));
  };
  SKIPSCAN_TRY(send(w_.selection.kept, kept));
  SKIPSCAN_TRY(send(w_.selection.dest_hidden, dest));
  SKIPSCAN_TRY(send(w_.selection.weights, std::vector<float>(scores.size(), 1.f)));
  SKIPSCAN_TRY(send(after.device_offsets, after.offsets));
  SKIPSCAN_TRY(send(w_.released_positions, places));
  SKIPSCAN_TRY(send(w_.released_orders, vim_orders(places_)));
  SKIPSCAN_TRY(backend_.reduce_tokens.run({.hidden = w_.hidden,
                                           .residual = w_.residual,
                                           .dest_hidden = w_.selection.dest_hidden,
                                           .dest_residual = w_.selection.dest_hidden,
                                           .weights = w_.selection.weights,
                                           .kept = w_.selection.kept,
                                           .hidden_out = w_.spare_hidden,
                                           .residual_out = w_.spare_residual,
                                           .rows = before.count(),
                                           .kept_rows = after.count(),
                                           .dim = config_.d_model,
                                           .positions = before.positions,
                                           .is_protected = before.is_protected,
                                           .kept_offsets = after.device_offsets,
                                           .positions_out = after.positions,
                                           .protected_out = after.is_protected,
                                           .gap_out = after.gaps,
                                           .sequences = in_.images,
                                           .start = 0},
                                          context_));
  const size_t values = size_t(after.count() * config_.d_model);
  SKIPSCAN_TRY(device_.copy(w_.hidden.data, w_.spare_hidden.data, values * size_of(w_.hidden.dtype)));
  SKIPSCAN_TRY(device_.copy(w_.residual, w_.spare_residual, values * sizeof(float)));
  rows_ = &after;
  positions_ = w_.released_positions;
  orders_ = w_.released_orders;
  return make_paths();
}

Status VisionPass::run_depthwise_layer(int32_t layer) {
  for (const Tile& tile : tiles_.tiles) SKIPSCAN_TRY(run_depthwise(block_of(layer, tile_at(tile)), device_));
  stream_in_hidden_ = true;
  return {};
}

// ViM: the class token after the final norm. PlainMamba: the mean of all tokens after it.
Status VisionPass::make_features() {
  const VisionWeights& weights = setting_.weights;
  for (const Tile& tile : tiles_.tiles) {
    const VisionTile io = tile_at(tile);
    const Elements features = w_.features + int64_t(tile.sequence) * config_.d_model;
    if (config_.family == VisionFamily::vim) {
      SKIPSCAN_TRY(backend_.rms_norm.run({.x = io.hidden,
                                          .residual_in = io.residual_in,
                                          .weight = weights.final_norm,
                                          .residual_out = nullptr,
                                          .out = features,
                                          .rows = tile.sequences,
                                          .dim = config_.d_model,
                                          .eps = config_.final_norm_eps,
                                          .index = io.paths.row_at + int64_t(class_place_) * tile.sequences},
                                         context_));
      continue;
    }
    SKIPSCAN_TRY(backend_.layer_norm.run({.x = io.hidden,
                                          .residual_in = io.residual_in,
                                          .weight = weights.final_norm,
                                          .bias = weights.final_norm_bias,
                                          .residual_out = nullptr,
                                          .out = w_.block.normed,
                                          .rows = tile.rows,
                                          .dim = config_.d_model,
                                          .eps = config_.final_norm_eps},
                                         context_));
    SKIPSCAN_TRY(backend_.mean_rows.run({.x = w_.block.normed,
                                         .offsets = io.offsets,
                                         .out = features,
                                         .rows = tile.rows,
                                         .dim = config_.d_model,
                                         .sequences = tile.sequences,
                                         .longest = tile.longest},
                                        context_));
  }
  return {};
}

Status VisionPass::collect_branches(int32_t layer) {
  if (!out_.hidden) return {};
  const int64_t count = rows_->count() * config_.d_model;
  SKIPSCAN_TRY(download_floats(device_, out_.hidden + layer * count, w_.hidden, count));
  float* const residual = out_.residual + layer * count;
  if (!stream_in_hidden_) return download_floats(device_, residual, w_.residual, count);
  std::fill(residual, residual + count, 0.f);
  return {};
}

Status VisionPass::fetch_results() {
  if (w_.logits) {
    const size_t bytes = size_t(in_.images) * size_t(config_.classes) * sizeof(float);
    SKIPSCAN_TRY(device_.download(out_.logits, w_.logits, bytes));
  }
  if (out_.features) {
    SKIPSCAN_TRY(download_floats(device_, out_.features, w_.features, int64_t(in_.images) * config_.d_model));
  }
  const Reduction* r = in_.reduction;
  if (!r) return {};
  SKIPSCAN_TRY(fetch_kept(*r, w_.reduced, device_, out_.kept));
  if (!out_.wants_scores || !(needs_scores(r->policy) || r->released_top)) return {};
  const LiveRows* before = &w_.inputs.rows;
  for (size_t i = 0; i < w_.reduced.size(); ++i) {
    const LiveRows& after = w_.reduced[i];
    std::vector<float>& scores = out_.scores.emplace_back(size_t(before->count()));
    // Metrics that need neighbours are scored only where there is something to remove.
    if (after.positions != before->positions || !is_novel(r->metric) || r->released_top) {
      SKIPSCAN_TRY(device_.download(scores.data(), w_.scores[i], scores.size() * sizeof(float)));
    }
    before = &after;
  }
  return {};
}

}  // namespace skipscan
