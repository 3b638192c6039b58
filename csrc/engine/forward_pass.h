// One walk of prompts through a model's blocks.
#pragma once
#include <vector>

#include "engine/block.h"
#include "engine/reducer.h"
#include "engine/state.h"
#include "engine/tiles.h"
#include "engine/weights.h"

namespace skipscan {

// Prompts back to back: sequence s is tokens[offsets[s]] .. tokens[offsets[s + 1] - 1]. None is empty.
struct TokenBatch {
  const int32_t* tokens;
  std::vector<int32_t> offsets;

  int64_t rows() const { return offsets.back(); }
  int64_t sequences() const { return int64_t(offsets.size()) - 1; }
};

// What a forward pass starts from, and what it removes on the way.
struct ForwardInput {
  TokenBatch batch;
  // Null: start from zero, forget the end. Else the one sequence's state, updated in place: also when the pass fails, so work
  // on a copy where that matters.
  SequenceState* state = nullptr;
  int32_t start = 0;                     // the position of the first token: how many the state has seen
  const Reduction* reduction = nullptr;  // null: keep all tokens
  const int32_t* cancelled = nullptr;    // not 0: stop; looked at between tiles. Null: never
};

struct ForwardOutput {
  // (rows that are left, vocab), or (sequences, vocab) when only the last row of each sequence is wanted.
  float* logits = nullptr;
  bool last_only = true;
  // (layers + 2, rows, d_model): the embedding, the stream after each block, the final norm; or null. Not with a reduction.
  float* hidden = nullptr;
  std::vector<KeptRows> kept;  // after each reduction
};

// Everything a pass writes besides its results. Carved twice: once to count, once for real (arena.h).
struct Workspace {
  float* hidden;      // (rows, d_model)
  float* residual;    // (rows, d_model)
  float* scores;      // (rows)
  float* conv_state;  // (sequences, ...) of the layer at hand; only without a state from outside
  float* ssm_state;
  BlockBuffers block;

  Workspace(Arena& arena, const ModelConfig& config, const ForwardInput& in, const ForwardOutput& out);
};

class ForwardPass {
 public:
  ForwardPass(const ModelConfig& config, const Weights& weights, const Backend& backend, const ForwardInput& in,
              ForwardOutput& out, const Workspace& workspace, ThreadPool& pool);

  Status run();

 private:
  Status run_layer(int32_t layer);
  Status reduce(int32_t layer);
  Status write_logits();
  Status head(int64_t first_row, int64_t rows, float* logits);
  Status check_cancelled() const;
  void collect_hidden(int32_t slice, const float* added);
  bool reduces(int32_t layer) const { return in_.reduction && in_.reduction->at(layer); }
  int32_t tile_limit(int32_t layer) const;

  const ModelConfig& config_;
  const Weights& weights_;
  const Backend& backend_;
  const ForwardInput& in_;
  ForwardOutput& out_;
  const Workspace& w_;
  ExecContext context_;

  LiveRows rows_;
  std::vector<Tile> tiles_;
  int32_t tile_limit_ = 0;  // of tiles_; 0: they are to be made anew
};

}  // namespace skipscan
