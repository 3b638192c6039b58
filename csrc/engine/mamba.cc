// Mamba (arXiv 2312.00752), section 3.4: in_proj -> x, z; x -> causal convolution -> dt, B, C -> selective scan, gated by z
// -> out_proj.
#include "engine/block.h"

namespace skipscan {

Status run_mamba_block(const ModelConfig& config, const BlockWeights& weights, const Backend& backend,
                       const BlockTile& tile, const BlockBuffers& buffers, ExecContext& context) {
  const int64_t inner = config.d_inner, d_state = config.d_state, rank = config.dt_rank;
  const int64_t projected = 2 * inner, parameters = rank + 2 * d_state;
  const BlockReduction& reduction = tile.reduction;
  const bool of_scan = (reduction.averages() && reduction.source != ImportanceSource::block) ||
                       reduction.metric == ImportanceMetric::delta;

  SKIPSCAN_TRY(backend.rms_norm.run({.x = tile.hidden,
                                     .residual_in = tile.residual_in,
                                     .weight = weights.norm,
                                     .residual_out = tile.residual_out,
                                     .out = buffers.normed,
                                     .rows = tile.rows,
                                     .dim = config.d_model,
                                     .eps = config.norm_eps},
                                    context));
  SKIPSCAN_TRY(backend.linear.run({.x = buffers.normed,
                                   .weight = weights.in_proj,
                                   .bias = weights.in_proj_bias,
                                   .y = buffers.projected,
                                   .rows = tile.rows,
                                   .x_stride = config.d_model,
                                   .y_stride = projected},
                                  context));
  SKIPSCAN_TRY(backend.causal_conv.run({.x = buffers.projected,
                                        .weight = weights.conv,
                                        .bias = weights.conv_bias,
                                        .state_in = tile.conv_state,
                                        .state_out = tile.conv_state,
                                        .y = buffers.convolved,
                                        .path = tile.path,
                                        .channels = inner,
                                        .x_stride = projected,
                                        .y_stride = inner,
                                        .width = config.conv_width,
                                        .mode = reduction.conv,
                                        .silu = true},
                                       context));
  SKIPSCAN_TRY(backend.linear.run({.x = buffers.convolved,
                                   .weight = weights.x_proj,
                                   .bias = nullptr,
                                   .y = buffers.parameters,
                                   .rows = tile.rows,
                                   .x_stride = inner,
                                   .y_stride = parameters},
                                  context));
  SKIPSCAN_TRY(backend.linear.run({.x = buffers.parameters,
                                   .weight = weights.dt_proj,
                                   .bias = nullptr,  // added by the scan, before the softplus
                                   .y = buffers.delta,
                                   .rows = tile.rows,
                                   .x_stride = parameters,
                                   .y_stride = inner},
                                  context));
  SKIPSCAN_TRY(backend.selective_scan.run({.u = buffers.convolved,
                                           .delta = buffers.delta,
                                           .A = weights.A,
                                           .B = buffers.parameters + rank,
                                           .C = buffers.parameters + rank + d_state,
                                           .D = weights.D,
                                           .z = buffers.projected + inner,
                                           .dt_bias = weights.dt_bias,
                                           .skipped_dt = nullptr,
                                           .state_in = tile.ssm_state,
                                           .state_out = tile.ssm_state,
                                           .y = buffers.mixed,
                                           .path = tile.path,
                                           .u_stride = inner,
                                           .delta_stride = inner,
                                           .B_stride = parameters,
                                           .C_stride = parameters,
                                           .z_stride = projected,
                                           .y_stride = inner,
                                           .channels = config.d_inner,
                                           .d_state = config.d_state,
                                           .groups = 1,
                                           .alignment = reduction.alignment,
                                           .softplus = true,
                                           .importance = reduction.scores_of(of_scan),
                                           .metric = reduction.metric,
                                           .source = reduction.source},
                                          context));
  if (float* scores = reduction.scores_of(reduction.metric == ImportanceMetric::state)) {
    SKIPSCAN_TRY(backend.selective_state_importance.run({.u = buffers.convolved,
                                                         .delta = buffers.delta,
                                                         .A = weights.A,
                                                         .B = buffers.parameters + rank,
                                                         .dt_bias = weights.dt_bias,
                                                         .skipped_dt = nullptr,
                                                         .state = tile.ssm_state,
                                                         .scores = scores,
                                                         .path = tile.path,
                                                         .u_stride = inner,
                                                         .delta_stride = inner,
                                                         .B_stride = parameters,
                                                         .channels = config.d_inner,
                                                         .d_state = config.d_state,
                                                         .groups = 1,
                                                         .alignment = reduction.alignment,
                                                         .softplus = true},
                                                        context));
  }
  SKIPSCAN_TRY(backend.linear.run({.x = buffers.mixed,
                                   .weight = weights.out_proj,
                                   .bias = weights.out_proj_bias,
                                   .y = tile.hidden,
                                   .rows = tile.rows,
                                   .x_stride = inner,
                                   .y_stride = config.d_model},
                                  context));
  return score_output(tile, config.d_model, backend, context);
}

}  // namespace skipscan
