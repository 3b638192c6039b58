#include "engine/vision_weights.h"

#include <algorithm>

namespace skipscan {
namespace {

constexpr int64_t kColours = 3;
constexpr int64_t kStemChannels = 64;  // of PlainMamba's convolutions
constexpr int64_t kMoves = 5;          // start, right, left, up, down

}  // namespace

VisionWeights::VisionWeights(const VisionConfig& config, DType dtype, std::shared_ptr<Device> device)
    : Weights(dtype, std::move(device)), blocks(size_t(config.layers)) {
  if (config.family == VisionFamily::vim)
    add_vim(config);
  else
    add_plain_mamba(config);
}

// `suffix` is what ViM's names of the backward direction have; D's and A_log's are spelt another way.
void VisionWeights::add_direction(const VisionConfig& c, const std::string& mixer, const char* suffix,
                                  const char* A_log, DirectionWeights& to) {
  const bool vim = c.family == VisionFamily::vim;
  const std::string conv = mixer + (vim ? "conv1d" : "conv2d") + suffix + ".", dt_proj = mixer + "dt_proj" + suffix;
  const std::vector<int64_t> window = vim ? std::vector<int64_t>{c.d_inner, 1, c.conv_width}
                                          : std::vector<int64_t>{c.d_inner, 1, c.conv_width, c.conv_width};
  add(conv + "weight", window, Kind::depthwise, &to.conv);
  add(conv + "bias", {c.d_inner}, Kind::vector, &to.conv_bias);
  add(mixer + "x_proj" + suffix + ".weight", c.dt_rank + 2LL * c.d_state, c.d_inner, &to.x_proj, Kind::step_matrix);
  add(dt_proj + ".weight", c.d_inner, c.dt_rank, &to.dt_proj, Kind::step_matrix);
  add(dt_proj + ".bias", {c.d_inner}, Kind::vector, &to.dt_bias, vim ? 1 : 2);
  add(mixer + A_log, {c.d_inner, c.d_state}, Kind::a_log, &to.A);
  add(mixer + "D" + suffix, {c.d_inner}, Kind::vector, &to.D);
}

void VisionWeights::add_vim(const VisionConfig& c) {
  const int64_t tokens = int64_t(c.grid_rows) * c.grid_cols + 1;
  add("cls_token", {1, 1, c.d_model}, &class_token);
  add("pos_embed", {1, tokens, c.d_model}, &positions);
  stem.resize(1);
  add("patch_embed.proj.weight", {c.d_model, kColours, c.patch, c.patch}, &stem[0].weight);
  add("patch_embed.proj.bias", {c.d_model}, Kind::vector, &stem[0].bias);
  for (int32_t i = 0; i < c.layers; ++i) {
    VisionBlockWeights& b = blocks[size_t(i)];
    const std::string layer = "layers." + std::to_string(i) + ".", mixer = layer + "mixer.";
    add(layer + "norm.weight", {c.d_model}, Kind::vector, &b.norm);
    add(mixer + "in_proj.weight", 2LL * c.d_inner, c.d_model, &b.in_proj);
    add_direction(c, mixer, "", "A_log", b.direction[0]);
    add_direction(c, mixer, "_b", "A_b_log", b.direction[1]);
    add(mixer + "out_proj.weight", c.d_model, c.d_inner, &b.out_proj);
  }
  add("norm_f.weight", {c.d_model}, Kind::vector, &final_norm);
  add("head.weight", c.classes, c.d_model, &head);
  add("head.bias", {c.classes}, Kind::vector, &head_bias);
}

void VisionWeights::add_stem_conv(const std::string& name, int64_t outputs, int64_t channels, int64_t kernel,
                                  const std::string& norm, float eps) {
  BatchNorm& batch_norm = norms_.emplace_back();
  StemConv& conv = stem.emplace_back();
  batch_norm.eps = eps;
  batch_norm.shift_target = &conv.bias;
  add(norm, outputs, &batch_norm);
  add(name, {outputs, channels, kernel, kernel}, &conv.weight, &batch_norm);
}

void VisionWeights::add_plain_mamba(const VisionConfig& c) {
  const std::string patch = "backbone.patch_embed.";
  stem.reserve(size_t(c.stem_convs) + 2);  // slots keep addresses
  add("backbone.pos_embed", {1, int64_t(c.grid_rows) * c.grid_cols, c.d_model}, &positions);
  add_stem_conv(patch + "stem.0.weight", kStemChannels, kColours, 7, patch + "stem.1.", c.batch_norm_eps);
  for (int32_t i = 0; i < c.stem_convs; ++i) {
    const std::string convs = patch + "convs.";
    add_stem_conv(convs + std::to_string(3 * i) + ".weight", kStemChannels, kStemChannels, 3,
                  convs + std::to_string(3 * i + 1) + ".", c.batch_norm_eps);
  }
  StemConv& projection = stem.emplace_back();
  add(patch + "projection.weight", {c.d_model, kStemChannels, c.patch / 2, c.patch / 2}, &projection.weight);
  add(patch + "projection.bias", {c.d_model}, Kind::vector, &projection.bias);
  for (int32_t i = 0; i < c.layers; ++i) {
    VisionBlockWeights& b = blocks[size_t(i)];
    const std::string layer = "backbone.layers." + std::to_string(i) + ".", mixer = layer + "mamba.";
    add(layer + "norm.weight", {c.d_model}, Kind::vector, &b.norm);
    add(layer + "norm.bias", {c.d_model}, Kind::vector, &b.norm_bias);
    add(mixer + "in_proj.weight", 2LL * c.d_inner, c.d_model, &b.in_proj);
    if (c.projection_bias) add(mixer + "in_proj.bias", {2LL * c.d_inner}, Kind::vector, &b.in_proj_bias);
    add_direction(c, mixer, "", "A_log", b.direction[0]);
    add(mixer + "direction_Bs", {kMoves, c.d_state}, Kind::vector, &b.moves);
    add(mixer + "out_proj.weight", c.d_model, c.d_inner, &b.out_proj);
    if (c.projection_bias) add(mixer + "out_proj.bias", {c.d_model}, Kind::vector, &b.out_proj_bias);
    if (!std::binary_search(c.depthwise_layers.begin(), c.depthwise_layers.end(), i)) continue;
    BatchNorm& batch_norm = norms_.emplace_back();
    batch_norm.eps = c.batch_norm_eps;
    batch_norm.shift_target = &b.depthwise_bias;
    add(layer + "dw.1.", c.d_model, &batch_norm);
    add(layer + "dw.0.weight", {c.d_model, 1, 3, 3}, &b.depthwise, &batch_norm);
  }
  add("backbone.ln1.weight", {c.d_model}, Kind::vector, &final_norm);
  add("backbone.ln1.bias", {c.d_model}, Kind::vector, &final_norm_bias);
  add("head.fc.weight", c.classes, c.d_model, &head);
  add("head.fc.bias", {c.classes}, Kind::vector, &head_bias);
}

}  // namespace skipscan
