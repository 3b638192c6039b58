// From pixels to tokens: the patch embedding of ViM, the convolutions before PlainMamba's blocks. Every convolution is a product
// with its windows, some rows at a time, which take the ReLU of what they read (image_patches.h); batch norms are in the weights.
#pragma once
#include "core/arena.h"
#include "engine/vision_weights.h"

namespace skipscan {

struct ImageSize {
  int32_t height, width;
};

struct StemBuffers {
  Elements windows;  // of some outputs of a convolution
  Elements maps[2];  // (height / 2 * width / 2, channels) between two convolutions of one image; none for ViM

  StemBuffers(Arena& arena, const VisionConfig& config, DType dtype, ImageSize size, int64_t rows);
};

struct VisionStem {
  const VisionConfig& config;
  const VisionWeights& weights;
  const StemBuffers& buffers;
  int64_t rows;  // the most outputs of a convolution at a time
  Device& device;
  ExecContext& context;

  // tokens (grid.tokens(), d_model) of an image (3, height, width). The class token's row becomes zeros.
  Status run(const float* pixels, ImageSize size, const PatchGrid& grid, Elements tokens) const;

 private:
  Status embed_patches(const float* pixels, ImageSize size, const PatchGrid& grid, Elements tokens) const;
  Status convolve_down(const float* pixels, ImageSize size, const PatchGrid& grid, Elements tokens) const;
  // The outputs [first, end) of a convolution whose windows `windows` describes, to y and the rows after it.
  Status convolve(ImagePatchesParams windows, const StemConv& conv, int64_t first, int64_t end, Elements y) const;
};

}  // namespace skipscan
