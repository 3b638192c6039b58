// The shape of a vision model, as lib/models/vision-config.ts has parsed and checked it.
#pragma once
#include <cstdint>
#include <vector>

namespace skipscan {

enum class VisionFamily : uint8_t { vim, plain_mamba };

struct VisionConfig {
  VisionFamily family = VisionFamily::vim;
  int32_t d_model = 0, layers = 0, classes = 0;
  int32_t d_inner = 0, d_state = 0, dt_rank = 0;
  int32_t conv_width = 0;  // taps of ViM's causal convolution, side of PlainMamba's window
  int32_t patch = 0, stride = 0;
  int32_t grid_rows = 0, grid_cols = 0;  // patches that the position embedding was trained for
  float norm_eps = 1e-5f, final_norm_eps = 1e-5f;
  bool divide_out = true;  // ViM: the mean of the two directions, not their sum
  // PlainMamba
  int32_t stem_convs = 0;
  std::vector<int32_t> depthwise_layers;  // rising: after these, a depth-wise convolution replaces the stream
  bool projection_bias = false;
  float batch_norm_eps = 1e-5f;

  bool has_class_token() const { return family == VisionFamily::vim; }
  int32_t directions() const { return family == VisionFamily::vim ? 2 : 4; }
};

// The patches of an image of a given size, and the sequence that they make.
struct PatchGrid {
  int32_t rows = 0, cols = 0;
  bool class_token = false;  // in the middle

  static PatchGrid of(const VisionConfig& config, int32_t height, int32_t width);

  int32_t patches() const { return rows * cols; }
  int32_t tokens() const { return patches() + class_token; }
  int32_t class_position() const { return patches() / 2; }
  bool operator==(const PatchGrid&) const = default;
};

}  // namespace skipscan
