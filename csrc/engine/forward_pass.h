// One walk of prompts through a model's blocks.
#pragma once
#include <string>
#include <vector>

#include "engine/block.h"
#include "engine/language_weights.h"
#include "engine/reducer.h"
#include "engine/state.h"
#include "engine/tiles.h"

namespace skipscan {

// Prompts back to back: sequence s is tokens[offsets[s]] .. tokens[offsets[s + 1] - 1]. None is empty. In the host's memory.
struct TokenBatch {
  const int32_t* tokens;
  std::vector<int32_t> offsets;

  int64_t rows() const { return offsets.back(); }
  int64_t sequences() const { return int64_t(offsets.size()) - 1; }
};

// What a forward pass starts from, and what it removes on the way.
struct ForwardInput {
  TokenBatch batch;
  // Null: start from zero, forget the end. Else the batch's sequences' state, updated in place: also when the pass fails, so
  // work on a copy where that matters.
  SequenceState* state = nullptr;
  int32_t start = 0;                     // the position of every sequence's first token: how many the state has seen
  const Reduction* reduction = nullptr;  // null: keep all tokens
  const int32_t* cancelled = nullptr;    // not 0: stop; looked at between tiles. Null: never
};

// In the host's memory.
struct ForwardOutput {
  // (rows that are left, vocab), or (sequences, vocab) when only the last row of each sequence is wanted.
  float* logits = nullptr;
  bool last_only = true;
  // (layers + 2, rows, d_model): the embedding, the stream after each block, the final norm; or null. Not with a reduction.
  float* hidden = nullptr;
  std::vector<KeptRows> kept;  // after each reduction
};

// How a model is to be run: what stays the same from pass to pass.
struct ForwardSetting {
  const ModelConfig& config;
  const LanguageWeights& weights;
  DType activations;
  Device& device;
};

// What a pass knows before it starts, side by side, so that one copy brings it to the device.
struct PassInputs {
  std::byte* begin;
  double* keep;     // (sequences) with a reduction
  int32_t* tokens;  // (rows)
  int32_t* steps;   // 0, 1, 2 ...: the index of every tile's path
  LiveRows rows;    // as the batch comes
  std::byte* end;

  PassInputs(Arena& arena, const ForwardInput& in, int64_t tile_rows);
};

// Everything a pass writes besides its results. Carved twice: once to count, once for real (arena.h).
struct Workspace {
  PassInputs inputs;
  std::vector<LiveRows> reduced;  // after each reduction
  SelectionBuffers selection;
  int32_t* tile_offsets;  // of the tiles at hand
  int32_t* last_rows;     // (sequences)
  Elements hidden;        // (rows, d_model)
  float* residual;        // (rows, d_model)
  float* scores;          // (rows)
  float* conv_state;      // (sequences, ...) of the layer at hand; only without a state from outside
  float* ssm_state;
  BlockBuffers block;
  float* logits;  // as many rows as the head takes at once; null where the results' own memory is the device's

  Workspace(Arena& arena, const ForwardSetting& setting, const ForwardInput& in, const ForwardOutput& out);
};

class ForwardPass {
 public:
  ForwardPass(const ForwardSetting& setting, const ForwardInput& in, ForwardOutput& out, Workspace& workspace,
              ThreadPool& pool);

  Status run();

 private:
  Status send_inputs();
  Status walk();
  Status run_layer(int32_t layer);
  Status reduce(int32_t layer);
  Status write_logits();
  Status write_last_logits();
  Status head(int64_t first_row, const int32_t* index, int64_t rows, float* logits);
  Status collect_hidden(int32_t slice, bool with_residual);
  Status collect_final_norm();
  bool reduces(int32_t layer) const { return in_.reduction && in_.reduction->at(layer); }
  int32_t tile_limit(int32_t layer) const;
  std::string recording_key() const;
  Elements hidden_row(int64_t row) const { return w_.hidden + row * config_.d_model; }
  float* residual_row(int64_t row) const { return w_.residual + row * config_.d_model; }

  const ModelConfig& config_;
  const LanguageWeights& weights_;
  Device& device_;
  const Backend& backend_;
  const ForwardInput& in_;
  ForwardOutput& out_;
  Workspace& w_;
  ExecContext context_;

  const LiveRows* rows_;   // those that are alive
  size_t reductions_ = 0;  // that are done
  Tiles tiles_;
  int32_t tile_limit_ = 0;  // of tiles_; 0: they are to be made anew
};

}  // namespace skipscan
