// ViM (arXiv 2401.09417): in_proj -> x, z; x goes through two directions, each with its own convolution, parameters and scan;
// their mean, gated by z -> out_proj. (The published code gates each direction by itself: the same, as the gate is.)
#include "engine/vision_block.h"

namespace skipscan {
namespace {

enum Direction { forward, backward };

Status convolve(const VisionBlock& block, const DirectionWeights& direction, const PathView& path) {
  const auto& [config, weights, backend, tile, buffers, context] = block;
  return backend.causal_conv.run({.x = buffers.projected,
                                  .weight = direction.conv,
                                  .bias = direction.conv_bias,
                                  .state_in = nullptr,
                                  .state_out = nullptr,
                                  .y = buffers.convolved,
                                  .path = path,
                                  .channels = config.d_inner,
                                  .x_stride = 2LL * config.d_inner,
                                  .y_stride = config.d_inner,
                                  .width = config.conv_width,
                                  .mode = tile.reduction.conv,
                                  .silu = true},
                                 context);
}

}  // namespace

Status run_vim(const VisionBlock& block) {
  const auto& [config, weights, backend, tile, buffers, context] = block;
  const ConstElements gate = buffers.projected + config.d_inner;
  SKIPSCAN_TRY(backend.rms_norm.run({.x = tile.hidden,
                                     .residual_in = tile.residual_in,
                                     .weight = weights.norm,
                                     .residual_out = tile.residual_out,
                                     .out = buffers.normed,
                                     .rows = tile.rows,
                                     .dim = config.d_model,
                                     .eps = config.norm_eps},
                                    context));
  SKIPSCAN_TRY(block.project_in());
  for (const Direction d : {backward, forward}) {
    const DirectionWeights& direction = weights.direction[d];
    const PathView path = tile.path(d, false);
    SKIPSCAN_TRY(convolve(block, direction, path));
    SKIPSCAN_TRY(block.make_parameters(direction));
    SelectiveScanParams scan = block.scan(direction, path);
    if (tile.released_scores && d == backward) {  // of this direction alone
      SelectiveScanParams alone = scan;
      alone.z = gate;
      alone.importance = tile.reduction.importance;
      SKIPSCAN_TRY(backend.selective_scan.run(alone, context));
    }
    scan.importance = block.scores_of_dt();
    if (d == forward) {  // the last one
      scan.y_in = buffers.mixed;
      scan.y_scale = config.divide_out ? 0.5f : 1.f;
      scan.z = gate;
      scan.importance_in = block.scores_of_dt();
      if (!tile.released_scores && block.scores_of_sum()) scan.importance = block.scores_of_sum();
    }
    SKIPSCAN_TRY(backend.selective_scan.run(scan, context));
  }
  return block.project_out();
}

}  // namespace skipscan
