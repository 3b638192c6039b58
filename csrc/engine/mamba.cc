// Mamba (arXiv 2312.00752), section 3.4: in_proj -> x, z; x -> causal convolution -> dt, B, C -> selective scan, gated by z
// -> out_proj.
#include "engine/block.h"

namespace skipscan {

Status run_mamba(const Block& block) {
  const auto& [config, weights, backend, tile, buffers, context] = block;
  const int64_t inner = config.d_inner, d_state = config.d_state, rank = config.dt_rank;
  const int64_t projected = 2 * inner, parameters = rank + 2 * d_state;
  const BlockReduction& reduction = tile.reduction;
  const bool of_scan = (reduction.averages() && reduction.source != ImportanceSource::block) ||
                       reduction.metric == ImportanceMetric::delta;

  SKIPSCAN_TRY(block.project_in());
  SKIPSCAN_TRY(block.convolve(buffers.projected));
  SKIPSCAN_TRY(block.multiply(buffers.convolved, inner, weights.x_proj, buffers.parameters));
  // dt's bias is added by the scan, before the softplus.
  SKIPSCAN_TRY(block.multiply(buffers.parameters, parameters, weights.dt_proj, buffers.delta));
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
  return block.project_out();
}

}  // namespace skipscan
