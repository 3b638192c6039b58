// The weights of a Mamba or Mamba-2 language model.
#pragma once
#include "engine/model_config.h"
#include "engine/weights.h"

namespace skipscan {

// One block. Mamba-1 has x_proj and dt_proj, Mamba-2 has norm_gated; biases are null where the model has none.
struct BlockWeights {
  float* norm = nullptr;  // (d_model)
  WeightMatrix in_proj;   // (in_proj_rows, d_model)
  float* in_proj_bias = nullptr;
  float* conv = nullptr;        // (conv_width, conv_channels)
  float* conv_bias = nullptr;   // (conv_channels)
  WeightMatrix x_proj;          // (dt_rank + 2 d_state, d_inner)
  WeightMatrix dt_proj;         // (d_inner, dt_rank)
  float* dt_bias = nullptr;     // (d_inner) or (heads)
  float* A = nullptr;           // (d_inner, d_state) or (heads): -exp(A_log)
  float* D = nullptr;           // (d_inner) or (heads)
  float* norm_gated = nullptr;  // (d_inner)
  WeightMatrix out_proj;        // (d_model, d_inner)
  float* out_proj_bias = nullptr;
};

// Slots have Hugging Face's names.
class LanguageWeights : public Weights {
 public:
  LanguageWeights(const ModelConfig& config, DType dtype, std::shared_ptr<Device> device);

  const WeightMatrix& head() const { return tied_head_ ? embedding : own_head_; }

  WeightMatrix embedding;
  float* final_norm = nullptr;
  std::vector<BlockWeights> blocks;

 private:
  const bool tied_head_;
  WeightMatrix own_head_;
};

}  // namespace skipscan
