// One block of a language model over a tile of rows: norm, mixer, and the two branches of the residual stream.
#pragma once
#include "core/arena.h"
#include "engine/language_weights.h"
#include "engine/model_config.h"
#include "ops/backend.h"

namespace skipscan {

// Intermediate results of a block for up to `rows` rows. Carved twice: once to count, once for real (arena.h).
struct BlockBuffers {
  Elements normed;      // (rows, d_model)
  Elements projected;   // (rows, in_proj_rows)
  Elements convolved;   // (rows, conv_channels)
  Elements parameters;  // Mamba-1: (rows, dt_rank + 2 d_state), that is dt, B, C
  Elements delta;       // Mamba-1: (rows, d_inner)
  Elements mixed;       // (rows, d_inner)

  // `keep_scan_input`: what goes into the scan is needed after it.
  BlockBuffers(Arena& arena, const ModelConfig& config, DType dtype, int64_t rows, bool keep_scan_input);
};

// How a block goes over skipped positions, and what it tells of its tokens.
struct BlockReduction {
  Alignment alignment = Alignment::none;
  ConvMode conv = ConvMode::compact;
  // Out: (rows) of the tile; null: not wanted. Not for novel and novel2, which need neighbours.
  float* importance = nullptr;
  ImportanceMetric metric = ImportanceMetric::clip;  // for state, the tile holds whole sequences
  ImportanceSource source = ImportanceSource::gated;

  // Where one operator of the block writes its scores, or null when they are another's.
  float* scores_of(bool here) const { return here ? importance : nullptr; }
  bool averages() const { return metric <= ImportanceMetric::sum; }
};

// What a block puts out for a tile: (rows, d_model), packed sequences.
struct OutputRows {
  ConstElements hidden;
  int64_t rows, d_model;
  const int32_t* offsets;  // (sequences + 1)
  int32_t sequences;
};

// The scores of what a block puts out, where they are wanted of it.
Status score_output(const BlockReduction& reduction, const OutputRows& out, const Backend& backend,
                    ExecContext& context);

// A tile of packed sequences and what they carry. The path's rows are the tile's own, from 0.
struct BlockTile {
  int64_t rows;
  PathView path;
  Elements hidden;           // (rows, d_model) in: what the block before put out; out: what this one does
  const float* residual_in;  // (rows, d_model) the sum of all that came before; null for the first block
  float* residual_out;       // (rows, d_model) the same with this block's input added; may be residual_in
  float* conv_state;         // (sequences, conv_width, conv_channels) in and out
  float* ssm_state;          // (sequences, d_inner, d_state) or (sequences, heads, head_dim, d_state) in and out
  BlockReduction reduction;
};

// One block at work on one tile: what both families do before and after their mixers' scans.
struct Block {
  const ModelConfig& config;
  const BlockWeights& weights;
  const Backend& backend;
  const BlockTile& tile;
  const BlockBuffers& buffers;
  ExecContext& context;

  // residual + hidden, normed and projected: buffers.projected.
  Status project_in() const;
  // The causal convolution of these columns of the projected rows: buffers.convolved.
  Status convolve(ConstElements x) const;
  // y = x * weight^T, without a bias.
  Status multiply(ConstElements x, int64_t x_stride, const WeightMatrix& weight, Elements y) const;
  // buffers.mixed, projected back: tile.hidden, and its scores where they are wanted of it.
  Status project_out() const;
};

Status run_mamba(const Block& block);
Status run_mamba2(const Block& block);

}  // namespace skipscan
