// PlainMamba (arXiv 2403.17695): in_proj -> x, z; x -> one 2-D convolution -> dt, B, C; four scans along snakes through the grid,
// summed and gated by z -> out_proj. The published code, and so the published weights, permutes the scans' inputs alone: step k
// of every direction has dt, B and C of the k-th token in raster order. To B comes a vector of the move that led to the step.
#include "engine/vision_block.h"

namespace skipscan {
namespace {

// A depth-wise convolution over the tile's grids.
struct GridConv {
  ConstElements x;
  const float* added;
  const float *weight, *bias;
  Elements out;
  int64_t channels, x_stride;
  int32_t size;
  Activation activation;
};

Status run(const VisionBlock& block, const GridConv& conv) {
  const VisionTile& tile = block.tile;
  return block.backend.depthwise_conv2d.run({.x = conv.x,
                                             .added = conv.added,
                                             .weight = conv.weight,
                                             .bias = conv.bias,
                                             .positions = tile.positions,
                                             .offsets = tile.offsets,
                                             .row_at = tile.paths.row_at,
                                             .out = conv.out,
                                             .rows = tile.rows,
                                             .channels = conv.channels,
                                             .x_stride = conv.x_stride,
                                             .out_stride = conv.channels,
                                             .sequences = tile.sequences,
                                             .height = tile.grid.rows,
                                             .width = tile.grid.cols,
                                             .size = conv.size,
                                             .activation = conv.activation},
                                            block.context);
}

}  // namespace

Status run_plain_mamba(const VisionBlock& block) {
  const auto& [config, weights, backend, tile, buffers, context] = block;
  const DirectionWeights& shared = weights.direction[0];
  const int64_t d_state = config.d_state;
  SKIPSCAN_TRY(backend.layer_norm.run({.x = tile.hidden,
                                       .residual_in = tile.residual_in,
                                       .weight = weights.norm,
                                       .bias = weights.norm_bias,
                                       .residual_out = tile.residual_out,
                                       .out = buffers.normed,
                                       .rows = tile.rows,
                                       .dim = config.d_model,
                                       .eps = config.norm_eps},
                                      context));
  SKIPSCAN_TRY(block.project_in());
  SKIPSCAN_TRY(run(block, {.x = buffers.projected,
                           .added = nullptr,
                           .weight = shared.conv,
                           .bias = shared.conv_bias,
                           .out = buffers.convolved,
                           .channels = config.d_inner,
                           .x_stride = 2LL * config.d_inner,
                           .size = config.conv_width,
                           .activation = Activation::silu}));
  SKIPSCAN_TRY(block.make_parameters(shared));
  const int32_t last = config.directions() - 1;
  for (int32_t d = 0; d <= last; ++d) {
    SKIPSCAN_TRY(backend.add_rows.run({.x = buffers.parameters + config.dt_rank,
                                       .table = weights.moves,
                                       .ids = tile.paths.moves + d * tile.rows,
                                       .out = buffers.directed_B,
                                       .rows = tile.rows,
                                       .dim = d_state,
                                       .x_stride = config.dt_rank + 2 * d_state},
                                      context));
    SelectiveScanParams scan = block.scan(shared, tile.path(d, true));
    scan.B = buffers.directed_B;
    scan.B_stride = d_state;
    if (d == 0)
      scan.importance = block.scores_of_dt();  // the same in all directions
    else
      scan.y_in = buffers.mixed;
    if (d == last) {
      scan.z = buffers.projected + config.d_inner;
      scan.importance = block.scores_of_sum();
    }
    SKIPSCAN_TRY(backend.selective_scan.run(scan, context));
  }
  return block.project_out();
}

Status run_depthwise(const VisionBlock& block, Device& device) {
  const auto& [config, weights, backend, tile, buffers, context] = block;
  SKIPSCAN_TRY(run(block, {.x = tile.hidden,
                           .added = tile.residual_in,
                           .weight = weights.depthwise,
                           .bias = weights.depthwise_bias,
                           .out = buffers.normed,
                           .channels = config.d_model,
                           .x_stride = config.d_model,
                           .size = 3,
                           .activation = Activation::gelu}));
  const size_t bytes = size_t(tile.rows * config.d_model) * size_of(buffers.normed.dtype);
  return device.copy(tile.hidden.data, buffers.normed.data, bytes);
}

}  // namespace skipscan
