#include "engine/language_model.h"

#include <algorithm>
#include <cstring>

#include "engine/tiles.h"

namespace skipscan {
namespace {

constexpr int32_t kTileRows = 256;
constexpr size_t kKeptWorkspace = size_t(32) << 20;  // a larger workspace is given back after the call that needed it

// Everything a forward pass writes besides its results.
struct Workspace {
  float* hidden;      // (rows, d_model)
  float* residual;    // (rows, d_model)
  float* conv_state;  // (sequences, ...) of the layer at hand; only without a state from outside
  float* ssm_state;
  BlockBuffers block;

  Workspace(Arena& arena, const ModelConfig& config, int64_t rows, int64_t tile_rows, int64_t own_states)
      : hidden(arena.take<float>(rows * config.d_model)),
        residual(arena.take<float>(rows * config.d_model)),
        conv_state(arena.take<float>(own_states * config.conv_state_size())),
        ssm_state(arena.take<float>(own_states * config.ssm_state_size())),
        block(arena, config, tile_rows) {}
};

Status cancelled_status() { return fail(Code::aborted, "The call was aborted."); }

}  // namespace

LanguageModel::LanguageModel(const ModelConfig& config, const Backend& backend, DType dtype, int threads)
    : config_(config), backend_(backend), pool_(threads), weights_(config, dtype, backend.panel) {}

Status LanguageModel::load(const TensorSource& source) {
  std::lock_guard lock(mutex_);
  return weights_.load(source, pool_);
}

Status LanguageModel::forward(const TokenBatch& batch, SequenceState* state, const int32_t* cancelled,
                              const ForwardOutput& out) {
  std::lock_guard lock(mutex_);
  ExecContext context{pool_};
  const int64_t rows = batch.rows(), sequences = batch.sequences(), d_model = config_.d_model;
  const std::vector<Tile> tiles = make_tiles(batch.offsets, kTileRows);
  const int64_t own_states = state ? 0 : sequences;
  const int64_t tile_rows = std::max(std::min<int64_t>(rows, kTileRows), out.last_only ? sequences : 0);

  Arena count;
  (void)Workspace(count, config_, rows, tile_rows, own_states);
  if (workspace_.bytes() < count.used()) {
    workspace_ = Buffer();  // the old one goes first
    workspace_ = Buffer(count.used());
  }
  workspace_bytes_ = workspace_.bytes() + pool_.scratch_bytes();
  Arena arena(workspace_.as<void>());
  const Workspace w(arena, config_, rows, tile_rows, own_states);

  const auto collect_hidden = [&](int64_t slice, const float* values, const float* added) {
    if (!out.hidden) return;
    float* to = out.hidden + slice * rows * d_model;
    for (int64_t i = 0; i < rows * d_model; ++i) to[i] = values[i] + (added ? added[i] : 0.f);
  };

  SKIPSCAN_TRY(backend_.embedding.run({.ids = batch.tokens, .table = weights_.embedding, .out = w.hidden, .rows = rows},
                                      context));
  collect_hidden(0, w.hidden, nullptr);

  for (int32_t layer = 0; layer < config_.layers; ++layer) {
    if (!state) {
      std::memset(w.conv_state, 0, size_t(sequences * config_.conv_state_size()) * sizeof(float));
      std::memset(w.ssm_state, 0, size_t(sequences * config_.ssm_state_size()) * sizeof(float));
    }
    float* conv_state = state ? state->conv(layer) : w.conv_state;
    float* ssm_state = state ? state->ssm(layer) : w.ssm_state;
    for (const Tile& tile : tiles) {
      if (cancelled && __atomic_load_n(cancelled, __ATOMIC_RELAXED)) return cancelled_status();
      float* residual = w.residual + tile.row * d_model;
      const BlockTile io = {.rows = tile.rows,
                            .path = tile.path.view(),
                            .hidden = w.hidden + tile.row * d_model,
                            .residual_in = layer == 0 ? nullptr : residual,
                            .residual_out = residual,
                            .conv_state = conv_state + tile.sequence * config_.conv_state_size(),
                            .ssm_state = ssm_state + tile.sequence * config_.ssm_state_size()};
      const auto run_block = config_.family == Family::mamba ? run_mamba_block : run_mamba2_block;
      SKIPSCAN_TRY(run_block(config_, weights_.blocks[size_t(layer)], backend_, io, w.block, context));
    }
    collect_hidden(layer + 1, w.hidden, w.residual);
  }

  if (out.hidden) {
    SKIPSCAN_TRY(backend_.rms_norm.run({.x = w.hidden,
                                        .residual_in = w.residual,
                                        .weight = weights_.final_norm,
                                        .residual_out = nullptr,
                                        .out = out.hidden + (config_.layers + 1) * rows * d_model,
                                        .rows = rows,
                                        .dim = d_model,
                                        .eps = config_.norm_eps},
                                       context));
  }
  if (out.last_only) {
    // The last rows move to the front: row s is read no later than it is written.
    for (int64_t s = 0; s < sequences; ++s) {
      const int64_t last = batch.offsets[size_t(s) + 1] - 1;
      std::memmove(w.hidden + s * d_model, w.hidden + last * d_model, size_t(d_model) * sizeof(float));
      std::memmove(w.residual + s * d_model, w.residual + last * d_model, size_t(d_model) * sizeof(float));
    }
    SKIPSCAN_TRY(head(w.hidden, w.residual, sequences, w.block.normed, out.logits, context));
  } else {
    for (const Tile& tile : tiles) {
      if (cancelled && __atomic_load_n(cancelled, __ATOMIC_RELAXED)) return cancelled_status();
      SKIPSCAN_TRY(head(w.hidden + tile.row * d_model, w.residual + tile.row * d_model, tile.rows, w.block.normed,
                        out.logits + tile.row * config_.vocab, context));
    }
  }
  if (workspace_.bytes() > kKeptWorkspace) workspace_ = Buffer();
  workspace_bytes_ = workspace_.bytes() + pool_.scratch_bytes();
  return {};
}

Status LanguageModel::head(const float* hidden, const float* residual, int64_t rows, float* normed, float* logits,
                           ExecContext& context) {
  SKIPSCAN_TRY(backend_.rms_norm.run({.x = hidden,
                                      .residual_in = residual,
                                      .weight = weights_.final_norm,
                                      .residual_out = nullptr,
                                      .out = normed,
                                      .rows = rows,
                                      .dim = config_.d_model,
                                      .eps = config_.norm_eps},
                                     context));
  return backend_.linear.run({.x = normed,
                              .weight = weights_.head,
                              .bias = nullptr,
                              .y = logits,
                              .rows = rows,
                              .x_stride = config_.d_model,
                              .y_stride = config_.vocab},
                             context);
}

}  // namespace skipscan
