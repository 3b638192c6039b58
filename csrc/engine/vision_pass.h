// One walk of images through a vision model.
#pragma once
#include <string>
#include <vector>

#include "engine/reducer.h"
#include "engine/tiles.h"
#include "engine/vision_block.h"
#include "engine/vision_grid.h"
#include "engine/vision_stem.h"

namespace skipscan {

struct VisionInput {
  const float* pixels;  // (images, 3, height, width), normalised; in the host's memory
  int32_t images;
  ImageSize size;
  const Reduction* reduction = nullptr;  // null: keep all tokens
  const int32_t* cancelled = nullptr;    // not 0: stop; looked at between tiles. Null: never
};

// In the host's memory.
struct VisionOutput {
  float* logits = nullptr;    // (images, classes)
  float* features = nullptr;  // (images, d_model) what the head reads; or null
  // (layers, images * tokens, d_model) the two branches after each block; or null. Not with a reduction.
  float *hidden = nullptr, *residual = nullptr;
  bool wants_scores = false;
  // Of the rows before each reduction, none where the policy needs none; zeros where nothing was removed and so nothing compared.
  std::vector<std::vector<float>> scores;
  std::vector<KeptRows> kept;  // after each reduction
};

struct VisionSetting {
  const VisionConfig& config;
  const VisionWeights& weights;
  const GridTables& tables;  // of the images' grid
  DType activations;
  Device& device;

  int64_t tokens() const { return tables.grid().tokens(); }
};

// Everything a pass writes besides its results. Carved twice: once to count, once for real (arena.h).
struct VisionWorkspace {
  struct Inputs {
    std::byte* begin;
    double* keep;    // (images) with a reduction
    int32_t* steps;  // 0, 1, 2 ...
    LiveRows rows;   // all tokens
    std::byte* end;

    Inputs(Arena& arena, const VisionInput& in, int64_t rows, int64_t tile_rows);
  };

  int64_t tile_rows;  // the most rows of a tile
  Inputs inputs;
  float* pixels;                  // where the device cannot read the host's
  std::vector<LiveRows> reduced;  // after each reduction
  std::vector<float*> scores;     // (rows) for each reduction
  SelectionBuffers selection;
  int32_t* tile_offsets;  // of the tiles at hand
  TilePaths paths;        // of all tiles
  Elements hidden;        // (rows, d_model)
  float* residual;        // (rows, d_model)
  Elements features;      // (images, d_model)
  float* logits;          // (images, classes) where the results' own memory is not the device's
  StemBuffers stem;
  VisionBuffers block;
  // For ToP-ViM's public code: what is gathered goes through them, and the orders of what is left.
  Elements spare_hidden;
  float* spare_residual;
  int32_t *released_orders, *released_positions;

  VisionWorkspace(Arena& arena, const VisionSetting& setting, const VisionInput& in);
};

class VisionPass {
 public:
  VisionPass(const VisionSetting& setting, const VisionInput& in, VisionOutput& out, VisionWorkspace& workspace,
             ThreadPool& pool);

  Status run();

 private:
  Status send_inputs();
  Status walk();
  Status make_tokens();
  Status run_layer(int32_t layer);
  Status reduce(int32_t layer);
  Status reduce_as_released();
  Status run_depthwise_layer(int32_t layer);
  Status make_paths();
  Status make_features();
  Status collect_branches(int32_t layer);
  Status fetch_results();
  std::string recording_key() const;
  bool reduces(int32_t layer) const { return in_.reduction && in_.reduction->at(layer); }
  VisionTile tile_at(const Tile& tile) const;
  TilePaths paths_of(const Tile& tile) const;
  VisionBlock block_of(int32_t layer, const VisionTile& tile);
  Elements hidden_row(int64_t row) const { return w_.hidden + row * config_.d_model; }
  float* residual_row(int64_t row) const { return w_.residual + row * config_.d_model; }

  const VisionConfig& config_;
  const VisionSetting& setting_;
  Device& device_;
  const Backend& backend_;
  const VisionInput& in_;
  VisionOutput& out_;
  VisionWorkspace& w_;
  ExecContext context_;

  const LiveRows* rows_;   // those that are alive
  size_t reductions_ = 0;  // that are done
  Tiles tiles_;
  // The positions that paths go by, and the whole paths: the images', or what ToP-ViM's public code makes of them.
  const int32_t *positions_, *orders_;
  int32_t places_, class_place_;
  bool stream_in_hidden_ = false;  // nothing is in the residual branch
};

}  // namespace skipscan
