#include "engine/block.h"

namespace skipscan {

BlockBuffers::BlockBuffers(Arena& arena, const ModelConfig& config, int64_t rows, bool keep_scan_input)
    : normed(arena.take<float>(rows * config.d_model)),
      projected(arena.take<float>(rows * config.in_proj_rows())),
      convolved(arena.take<float>(rows * config.conv_channels())),
      parameters(nullptr),
      delta(nullptr),
      mixed(nullptr) {
  if (config.family == Family::mamba) {
    parameters = arena.take<float>(rows * (config.dt_rank + 2LL * config.d_state));
    delta = arena.take<float>(rows * config.d_inner);
  }
  // Mamba-1's scan may write over its input.
  const bool in_place = config.family == Family::mamba && !keep_scan_input;
  mixed = in_place ? convolved : arena.take<float>(rows * config.d_inner);
}

Status score_output(const BlockTile& tile, int64_t d_model, const Backend& backend, ExecContext& context) {
  const BlockReduction& r = tile.reduction;
  if (!r.importance || !r.averages() || r.source != ImportanceSource::block) return {};
  return backend.token_importance.run({.x = tile.hidden,
                                       .added = nullptr,
                                       .offsets = tile.path.offsets,
                                       .scores = r.importance,
                                       .rows = tile.rows,
                                       .channels = d_model,
                                       .x_stride = d_model,
                                       .added_stride = 0,
                                       .sequences = tile.path.sequences,
                                       .metric = r.metric},
                                      context);
}

}  // namespace skipscan
