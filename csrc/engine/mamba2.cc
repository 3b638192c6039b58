// Mamba-2 (arXiv 2405.21060), section 7: in_proj -> z, x, B, C, dt at once; x, B, C -> causal convolution -> SSD scan -> norm
// gated by z -> out_proj.
#include "engine/block.h"

namespace skipscan {

Status run_mamba2(const Block& block) {
  const auto& [config, weights, backend, tile, buffers, context] = block;
  const int64_t inner = config.d_inner, projected = config.in_proj_rows(), channels = config.conv_channels();
  const ConstElements z = buffers.projected;
  const ConstElements xBC = z + inner;
  const ConstElements dt = xBC + channels;
  const ConstElements x = buffers.convolved;
  const ConstElements B = x + inner;
  const ConstElements C = B + int64_t(config.groups) * config.d_state;
  const BlockReduction& reduction = tile.reduction;
  const bool of_scan = (reduction.averages() && reduction.source == ImportanceSource::ssm) ||
                       reduction.metric == ImportanceMetric::delta;
  const bool of_norm = reduction.averages() && reduction.source == ImportanceSource::gated;

  SKIPSCAN_TRY(block.project_in());
  SKIPSCAN_TRY(block.convolve(xBC));
  SKIPSCAN_TRY(backend.ssd_scan.run({.x = x,
                                     .dt = dt,
                                     .A = weights.A,
                                     .B = B,
                                     .C = C,
                                     .D = weights.D,
                                     .z = {},
                                     .dt_bias = weights.dt_bias,
                                     .skipped_dt = nullptr,
                                     .state_in = tile.ssm_state,
                                     .state_out = tile.ssm_state,
                                     .y = buffers.mixed,
                                     .path = tile.path,
                                     .x_stride = channels,
                                     .dt_stride = projected,
                                     .B_stride = channels,
                                     .C_stride = channels,
                                     .z_stride = 0,
                                     .y_stride = inner,
                                     .heads = config.heads,
                                     .head_dim = config.head_dim,
                                     .groups = config.groups,
                                     .d_state = config.d_state,
                                     .dt_min = config.dt_min,
                                     .dt_max = config.dt_max,
                                     .alignment = reduction.alignment,
                                     .softplus = true,
                                     .D_per_channel = false,
                                     .importance = reduction.scores_of(of_scan),
                                     .metric = reduction.metric,
                                     .source = reduction.source},
                                    context));
  if (float* scores = reduction.scores_of(reduction.metric == ImportanceMetric::state)) {
    SKIPSCAN_TRY(backend.ssd_state_importance.run({.x = x,
                                                   .dt = dt,
                                                   .A = weights.A,
                                                   .B = B,
                                                   .dt_bias = weights.dt_bias,
                                                   .skipped_dt = nullptr,
                                                   .state = tile.ssm_state,
                                                   .scores = scores,
                                                   .path = tile.path,
                                                   .x_stride = channels,
                                                   .dt_stride = projected,
                                                   .B_stride = channels,
                                                   .heads = config.heads,
                                                   .head_dim = config.head_dim,
                                                   .groups = config.groups,
                                                   .d_state = config.d_state,
                                                   .dt_min = config.dt_min,
                                                   .dt_max = config.dt_max,
                                                   .alignment = reduction.alignment,
                                                   .softplus = true},
                                                  context));
  }
  SKIPSCAN_TRY(backend.gated_rms_norm.run({.y = buffers.mixed,
                                           .z = z,
                                           .weight = weights.norm_gated,
                                           .out = buffers.mixed,
                                           .rows = tile.rows,
                                           .dim = inner,
                                           .z_stride = projected,
                                           .group_size = config.norm_group_size,
                                           .eps = config.norm_eps,
                                           .norm_before_gate = config.norm_before_gate,
                                           .importance = reduction.scores_of(of_norm),
                                           .metric = reduction.metric},
                                          context));
  return block.project_out();
}

}  // namespace skipscan
