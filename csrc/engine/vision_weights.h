// The weights of a ViM or PlainMamba, under the names of the authors' checkpoints.
#pragma once
#include <deque>

#include "engine/vision_config.h"
#include "engine/weights.h"

namespace skipscan {

// What a direction of a ViM block has of its own; PlainMamba's four share one.
struct DirectionWeights {
  float* conv = nullptr;       // ViM: (conv_width, d_inner); PlainMamba: (conv_width, conv_width, d_inner)
  float* conv_bias = nullptr;  // (d_inner)
  WeightMatrix x_proj;         // (dt_rank + 2 d_state, d_inner)
  WeightMatrix dt_proj;        // (d_inner, dt_rank)
  float* dt_bias = nullptr;    // (d_inner); twice the checkpoint's in PlainMamba, which adds it twice
  float* A = nullptr;          // (d_inner, d_state): -exp(A_log)
  float* D = nullptr;          // (d_inner)
};

// Null where a family has none.
struct VisionBlockWeights {
  float *norm = nullptr, *norm_bias = nullptr;  // (d_model)
  WeightMatrix in_proj;                         // (2 d_inner, d_model): x, z
  float* in_proj_bias = nullptr;
  DirectionWeights direction[2];
  float* moves = nullptr;  // (5, d_state): what PlainMamba adds to B, by the move that led to a step
  WeightMatrix out_proj;   // (d_model, d_inner)
  float* out_proj_bias = nullptr;
  float *depthwise = nullptr, *depthwise_bias = nullptr;  // (3, 3, d_model), (d_model): the batch norm is folded in
};

// A convolution of the stem, as the product of its windows (image_patches.h).
struct StemConv {
  WeightMatrix weight;  // (outputs, kernel * kernel * channels): a batch norm is folded in
  float* bias = nullptr;
};

class VisionWeights : public Weights {
 public:
  VisionWeights(const VisionConfig& config, DType dtype, std::shared_ptr<Device> device);

  std::vector<StemConv> stem;      // the last one makes the tokens
  std::vector<float> positions;    // (tokens of the trained grid, d_model), on the host
  std::vector<float> class_token;  // (d_model), on the host; empty where there is none
  std::vector<VisionBlockWeights> blocks;
  float *final_norm = nullptr, *final_norm_bias = nullptr;
  WeightMatrix head;
  float* head_bias = nullptr;

 private:
  void add_vim(const VisionConfig& c);
  void add_plain_mamba(const VisionConfig& c);
  void add_direction(const VisionConfig& c, const std::string& mixer, const char* suffix, const char* A_log,
                     DirectionWeights& to);
  void add_stem_conv(const std::string& name, int64_t outputs, int64_t channels, int64_t kernel,
                     const std::string& norm, float eps);

  std::deque<BatchNorm> norms_;  // addresses that stay
};

}  // namespace skipscan
