// One block of a language model over a tile of rows: norm, mixer, and the two branches of the residual stream.
#pragma once
#include "core/arena.h"
#include "engine/model_config.h"
#include "engine/weights.h"
#include "ops/backend.h"

namespace skipscan {

// Intermediate results of a block for up to `rows` rows. Carved twice: once to count, once for real (arena.h).
struct BlockBuffers {
  float* normed;      // (rows, d_model)
  float* projected;   // (rows, in_proj_rows)
  float* convolved;   // (rows, conv_channels)
  float* parameters;  // Mamba-1: (rows, dt_rank + 2 d_state), that is dt, B, C
  float* delta;       // Mamba-1: (rows, d_inner)
  float* mixed;       // (rows, d_inner)

  BlockBuffers(Arena& arena, const ModelConfig& config, int64_t rows);
};

// A tile of packed sequences and what they carry. The path's rows are the tile's own, from 0.
struct BlockTile {
  int64_t rows;
  PathView path;
  float* hidden;             // (rows, d_model) in: what the block before put out; out: what this one does
  const float* residual_in;  // (rows, d_model) the sum of all that came before; null for the first block
  float* residual_out;       // (rows, d_model) the same with this block's input added; may be residual_in
  float* conv_state;         // (sequences, conv_width, conv_channels) in and out
  float* ssm_state;          // (sequences, d_inner, d_state) or (sequences, heads, head_dim, d_state) in and out
};

Status run_mamba_block(const ModelConfig& config, const BlockWeights& weights, const Backend& backend,
                       const BlockTile& tile, const BlockBuffers& buffers, ExecContext& context);
Status run_mamba2_block(const ModelConfig& config, const BlockWeights& weights, const Backend& backend,
                        const BlockTile& tile, const BlockBuffers& buffers, ExecContext& context);

}  // namespace skipscan
