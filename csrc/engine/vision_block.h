// One block of a vision model over a tile of whole sequences: norm, mixer, and the two branches of the residual stream.
#pragma once
#include "core/arena.h"
#include "engine/block.h"
#include "engine/vision_weights.h"

namespace skipscan {

// Intermediate results of a block for up to `rows` rows. Carved twice: once to count, once for real (arena.h).
struct VisionBuffers {
  Elements normed;      // (rows, d_model)
  Elements projected;   // (rows, 2 d_inner): x, z
  Elements convolved;   // (rows, d_inner) of the direction at hand
  Elements parameters;  // (rows, dt_rank + 2 d_state), that is dt, B, C
  Elements delta;       // (rows, d_inner)
  Elements directed_B;  // PlainMamba: (rows, d_state) B with what the direction adds
  Elements mixed;       // (rows, d_inner)

  VisionBuffers(Arena& arena, const VisionConfig& config, DType dtype, int64_t rows);
};

// The paths through a tile's rows (scan_paths.h), in the tile's own row numbers.
struct TilePaths {
  int32_t *index, *gap;  // (directions, rows)
  int32_t* moves;        // (directions, rows); null where the family has none
  int32_t* row_at;       // (places, sequences)
};

struct VisionTile {
  int64_t rows;
  int32_t sequences, longest;
  const int32_t* offsets;    // (sequences + 1)
  const int32_t* steps;      // 0, 1, 2, ...
  const int32_t* positions;  // (rows)
  TilePaths paths;
  PatchGrid grid;
  Elements hidden;           // (rows, d_model) in: what the block before put out; out: what this one does
  const float* residual_in;  // (rows, d_model) the sum of all that came before; null where `hidden` is the stream
  float* residual_out;       // (rows, d_model) the same with this block's input added; may be residual_in
  BlockReduction reduction;
  // The scores are those of ToP-ViM's public code (released_top.h).
  bool released_scores = false;

  // The path of a direction. dt, B and C of step k are those of row index[k], or with `in_order` of the k-th row.
  PathView path(int32_t direction, bool in_order) const;
};

// One block at work on one tile: what both families do around their directions.
struct VisionBlock {
  const VisionConfig& config;
  const VisionBlockWeights& weights;
  const Backend& backend;
  const VisionTile& tile;
  const VisionBuffers& buffers;
  ExecContext& context;

  // buffers.normed, projected: x and z.
  Status project_in() const;
  // From buffers.convolved: dt, B and C, and dt projected up to all channels.
  Status make_parameters(const DirectionWeights& direction) const;
  // Walks a direction from buffers.convolved. What buffers.mixed is before, gate and scores are left to the caller.
  SelectiveScanParams scan(const DirectionWeights& direction, const PathView& path) const;
  // buffers.mixed, projected back: tile.hidden, and its scores where they are wanted of it.
  Status project_out() const;

  // Which scan the scores come out of, if any: where dt is scored, or the sum of all directions.
  float* scores_of_dt() const { return tile.reduction.scores_of(tile.reduction.metric == ImportanceMetric::delta); }
  float* scores_of_sum() const {
    return tile.reduction.scores_of(tile.reduction.averages() && tile.reduction.source != ImportanceSource::block);
  }
};

Status run_vim(const VisionBlock& block);
Status run_plain_mamba(const VisionBlock& block);

// After a block that has it: the depth-wise convolution that replaces PlainMamba's stream by GELU(BN(conv(stream))). tile.hidden is
// the stream afterwards.
Status run_depthwise(const VisionBlock& block, Device& device);

}  // namespace skipscan
