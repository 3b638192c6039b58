#include "engine/language_weights.h"

namespace skipscan {

LanguageWeights::LanguageWeights(const ModelConfig& c, DType dtype, std::shared_ptr<Device> device)
    : Weights(dtype, std::move(device)), blocks(size_t(c.layers)), tied_head_(c.tied_head) {
  add("backbone.embeddings.weight", c.vocab, c.d_model, &embedding);
  for (int32_t i = 0; i < c.layers; ++i) {
    BlockWeights& b = blocks[size_t(i)];
    const std::string layer = "backbone.layers." + std::to_string(i) + ".", mixer = layer + "mixer.";
    add(layer + "norm.weight", {c.d_model}, Kind::vector, &b.norm);
    add(mixer + "in_proj.weight", c.in_proj_rows(), c.d_model, &b.in_proj);
    if (c.projection_bias) add(mixer + "in_proj.bias", {c.in_proj_rows()}, Kind::vector, &b.in_proj_bias);
    add(mixer + "conv1d.weight", {c.conv_channels(), 1, c.conv_width}, Kind::depthwise, &b.conv);
    if (c.conv_bias) add(mixer + "conv1d.bias", {c.conv_channels()}, Kind::vector, &b.conv_bias);
    if (c.family == Family::mamba) {
      add(mixer + "x_proj.weight", c.dt_rank + 2LL * c.d_state, c.d_inner, &b.x_proj, Kind::step_matrix);
      add(mixer + "dt_proj.weight", c.d_inner, c.dt_rank, &b.dt_proj, Kind::step_matrix);
      add(mixer + "dt_proj.bias", {c.d_inner}, Kind::vector, &b.dt_bias);
      add(mixer + "A_log", {c.d_inner, c.d_state}, Kind::a_log, &b.A);
      add(mixer + "D", {c.d_inner}, Kind::vector, &b.D);
    } else {
      add(mixer + "dt_bias", {c.heads}, Kind::vector, &b.dt_bias);
      add(mixer + "A_log", {c.heads}, Kind::a_log, &b.A);
      add(mixer + "D", {c.heads}, Kind::vector, &b.D);
      add(mixer + "norm.weight", {c.d_inner}, Kind::vector, &b.norm_gated);
    }
    add(mixer + "out_proj.weight", c.d_model, c.d_inner, &b.out_proj);
    if (c.projection_bias) add(mixer + "out_proj.bias", {c.d_model}, Kind::vector, &b.out_proj_bias);
  }
  add("backbone.norm_f.weight", {c.d_model}, Kind::vector, &final_norm);
  if (!c.tied_head) add("lm_head.weight", c.vocab, c.d_model, &own_head_);
}

}  // namespace skipscan
