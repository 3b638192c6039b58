#include "engine/vision_block.h"

namespace skipscan {

VisionBuffers::VisionBuffers(Arena& arena, const VisionConfig& c, DType dtype, int64_t rows)
    : normed(take(arena, dtype, rows * c.d_model)),
      projected(take(arena, dtype, rows * 2 * c.d_inner)),
      convolved(take(arena, dtype, rows * c.d_inner)),
      parameters(take(arena, dtype, rows * (c.dt_rank + 2LL * c.d_state))),
      delta(take(arena, dtype, rows * c.d_inner)),
      directed_B(take(arena, dtype, c.family == VisionFamily::plain_mamba ? rows * c.d_state : 0)),
      mixed(take(arena, dtype, rows * c.d_inner)) {}

PathView VisionTile::path(int32_t direction, bool in_order) const {
  const int32_t* index = paths.index + direction * rows;
  return {.index = index,
          .param_index = in_order ? steps : index,
          .gap = paths.gap + direction * rows,
          .offsets = offsets,
          .sequences = sequences,
          .steps = int32_t(rows),
          .longest = longest};
}

Status VisionBlock::project_in() const {
  return backend.linear.run({.x = buffers.normed,
                             .weight = weights.in_proj,
                             .bias = weights.in_proj_bias,
                             .y = buffers.projected,
                             .rows = tile.rows,
                             .x_stride = config.d_model,
                             .y_stride = 2LL * config.d_inner},
                            context);
}

Status VisionBlock::make_parameters(const DirectionWeights& direction) const {
  const int64_t parameters = direction.x_proj.rows;
  SKIPSCAN_TRY(backend.linear.run({.x = buffers.convolved,
                                   .weight = direction.x_proj,
                                   .bias = nullptr,
                                   .y = buffers.parameters,
                                   .rows = tile.rows,
                                   .x_stride = config.d_inner,
                                   .y_stride = parameters},
                                  context));
  // dt's bias is added by the scan, before the softplus.
  return backend.linear.run({.x = buffers.parameters,
                             .weight = direction.dt_proj,
                             .bias = nullptr,
                             .y = buffers.delta,
                             .rows = tile.rows,
                             .x_stride = parameters,
                             .y_stride = config.d_inner},
                            context);
}

SelectiveScanParams VisionBlock::scan(const DirectionWeights& direction, const PathView& path) const {
  const int64_t inner = config.d_inner, parameters = direction.x_proj.rows;
  return {.u = buffers.convolved,
          .delta = buffers.delta,
          .A = direction.A,
          .B = buffers.parameters + config.dt_rank,
          .C = buffers.parameters + config.dt_rank + config.d_state,
          .D = direction.D,
          .z = {},
          .dt_bias = direction.dt_bias,
          .skipped_dt = nullptr,
          .state_in = nullptr,
          .state_out = nullptr,
          .y = buffers.mixed,
          .path = path,
          .u_stride = inner,
          .delta_stride = inner,
          .B_stride = parameters,
          .C_stride = parameters,
          .z_stride = 2 * inner,
          .y_stride = inner,
          .channels = config.d_inner,
          .d_state = config.d_state,
          .groups = 1,
          .alignment = tile.reduction.alignment,
          .softplus = true,
          .metric = tile.reduction.metric,
          .source = tile.reduction.source};
}

Status VisionBlock::project_out() const {
  SKIPSCAN_TRY(backend.linear.run({.x = buffers.mixed,
                                   .weight = weights.out_proj,
                                   .bias = weights.out_proj_bias,
                                   .y = tile.hidden,
                                   .rows = tile.rows,
                                   .x_stride = config.d_inner,
                                   .y_stride = config.d_model},
                                  context));
  return score_output(tile.reduction, {tile.hidden, tile.rows, config.d_model, tile.offsets, tile.sequences}, backend,
                      context);
}

}  // namespace skipscan
