#include "engine/block.h"

namespace skipscan {

BlockBuffers::BlockBuffers(Arena& arena, const ModelConfig& config, DType dtype, int64_t rows, bool keep_scan_input)
    : normed(take(arena, dtype, rows * config.d_model)),
      projected(take(arena, dtype, rows * config.in_proj_rows())),
      convolved(take(arena, dtype, rows * config.conv_channels())) {
  if (config.family == Family::mamba) {
    parameters = take(arena, dtype, rows * (config.dt_rank + 2LL * config.d_state));
    delta = take(arena, dtype, rows * config.d_inner);
  }
  // Mamba-1's scan may write over its input.
  const bool in_place = config.family == Family::mamba && !keep_scan_input;
  mixed = in_place ? convolved : take(arena, dtype, rows * config.d_inner);
}

Status score_output(const BlockReduction& r, const OutputRows& out, const Backend& backend, ExecContext& context) {
  if (!r.importance || !r.averages() || r.source != ImportanceSource::block) return {};
  return backend.token_importance.run({.x = out.hidden,
                                       .added = {},
                                       .offsets = out.offsets,
                                       .scores = r.importance,
                                       .rows = out.rows,
                                       .channels = out.d_model,
                                       .x_stride = out.d_model,
                                       .added_stride = 0,
                                       .sequences = out.sequences,
                                       .metric = r.metric},
                                      context);
}

Status Block::project_in() const {
  SKIPSCAN_TRY(backend.rms_norm.run({.x = tile.hidden,
                                     .residual_in = tile.residual_in,
                                     .weight = weights.norm,
                                     .residual_out = tile.residual_out,
                                     .out = buffers.normed,
                                     .rows = tile.rows,
                                     .dim = config.d_model,
                                     .eps = config.norm_eps},
                                    context));
  return backend.linear.run({.x = buffers.normed,
                             .weight = weights.in_proj,
                             .bias = weights.in_proj_bias,
                             .y = buffers.projected,
                             .rows = tile.rows,
                             .x_stride = config.d_model,
                             .y_stride = config.in_proj_rows()},
                            context);
}

Status Block::convolve(ConstElements x) const {
  return backend.causal_conv.run({.x = x,
                                  .weight = weights.conv,
                                  .bias = weights.conv_bias,
                                  .state_in = tile.conv_state,
                                  .state_out = tile.conv_state,
                                  .y = buffers.convolved,
                                  .path = tile.path,
                                  .channels = config.conv_channels(),
                                  .x_stride = config.in_proj_rows(),
                                  .y_stride = config.conv_channels(),
                                  .width = config.conv_width,
                                  .mode = tile.reduction.conv,
                                  .silu = true},
                                 context);
}

Status Block::multiply(ConstElements x, int64_t x_stride, const WeightMatrix& weight, Elements y) const {
  return backend.linear.run({.x = x,
                             .weight = weight,
                             .bias = nullptr,
                             .y = y,
                             .rows = tile.rows,
                             .x_stride = x_stride,
                             .y_stride = weight.rows},
                            context);
}

Status Block::project_out() const {
  SKIPSCAN_TRY(backend.linear.run({.x = buffers.mixed,
                                   .weight = weights.out_proj,
                                   .bias = weights.out_proj_bias,
                                   .y = tile.hidden,
                                   .rows = tile.rows,
                                   .x_stride = config.d_inner,
                                   .y_stride = config.d_model},
                                  context));
  return score_output(tile.reduction, {tile.hidden, tile.rows, config.d_model, tile.path.offsets, tile.path.sequences},
                      backend, context);
}

}  // namespace skipscan
