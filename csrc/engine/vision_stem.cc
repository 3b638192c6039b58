#include "engine/vision_stem.h"

#include <algorithm>

namespace skipscan {
namespace {

constexpr int32_t kColours = 3;
constexpr int32_t kChannels = 64;  // of the maps between PlainMamba's convolutions

// After PlainMamba's first convolution, of stride 2.
ImageSize half(ImageSize size) { return {(size.height + 1) / 2, (size.width + 1) / 2}; }

// Elements of the windows of any convolution of an image, up to `rows` of them at a time.
int64_t most_windows(const VisionConfig& c, ImageSize size, int64_t rows) {
  const int64_t patches = PatchGrid::of(c, size.height, size.width).patches();
  const auto elements = [&](int64_t outputs, int64_t window) { return std::min(outputs, rows) * window; };
  if (c.family == VisionFamily::vim) return elements(patches, int64_t(kColours) * c.patch * c.patch);
  const int64_t side = c.patch / 2, pixels = int64_t(half(size).height) * half(size).width;
  return std::max({elements(pixels, kColours * 7 * 7), c.stem_convs > 0 ? elements(pixels, kChannels * 3 * 3) : 0,
                   elements(patches, kChannels * side * side)});
}

int64_t map_size(const VisionConfig& c, ImageSize size) {
  const ImageSize map = half(size);
  return c.family == VisionFamily::vim ? 0 : int64_t(map.height) * map.width * kChannels;
}

}  // namespace

StemBuffers::StemBuffers(Arena& arena, const VisionConfig& c, DType dtype, ImageSize size, int64_t rows)
    : windows(take(arena, dtype, most_windows(c, size, rows))),
      maps{take(arena, dtype, map_size(c, size)), take(arena, dtype, c.stem_convs > 0 ? map_size(c, size) : 0)} {}

Status VisionStem::run(const float* pixels, ImageSize size, const PatchGrid& grid, Elements tokens) const {
  return config.family == VisionFamily::vim ? embed_patches(pixels, size, grid, tokens)
                                            : convolve_down(pixels, size, grid, tokens);
}

Status VisionStem::convolve(ImagePatchesParams windows, const StemConv& conv, int64_t first, int64_t end,
                            Elements y) const {
  const Backend& backend = device.backend();
  windows.out = buffers.windows;
  for (int64_t row = first; row < end; row += rows) {
    windows.first_row = row;
    windows.rows = std::min(rows, end - row);
    SKIPSCAN_TRY(backend.image_patches.run(windows, context));
    SKIPSCAN_TRY(backend.linear.run({.x = windows.out,
                                     .weight = conv.weight,
                                     .bias = conv.bias,
                                     .y = y + (row - first) * conv.weight.rows,
                                     .rows = windows.rows,
                                     .x_stride = conv.weight.cols,
                                     .y_stride = conv.weight.rows},
                                    context));
  }
  return {};
}

// The tokens leave a row for the class token.
Status VisionStem::embed_patches(const float* pixels, ImageSize size, const PatchGrid& grid, Elements tokens) const {
  const ImagePatchesParams windows = {.x = pixels,
                                      .out = {},
                                      .first_row = 0,
                                      .rows = 0,
                                      .images = 1,
                                      .channels = kColours,
                                      .height = size.height,
                                      .width = size.width,
                                      .out_height = grid.rows,
                                      .out_width = grid.cols,
                                      .kernel = config.patch,
                                      .stride = config.stride,
                                      .padding = 0,
                                      .planar = true,
                                      .relu = false};
  const int64_t middle = grid.class_position(), d_model = config.d_model;
  const Elements class_row = tokens + middle * d_model;
  SKIPSCAN_TRY(convolve(windows, weights.stem[0], 0, middle, tokens));
  SKIPSCAN_TRY(device.clear(class_row.data, size_t(d_model) * size_of(tokens.dtype)));
  return convolve(windows, weights.stem[0], middle, grid.patches(), class_row + d_model);
}

Status VisionStem::convolve_down(const float* pixels, ImageSize size, const PatchGrid& grid, Elements tokens) const {
  const ImageSize map = half(size);
  const int64_t pixels_of_map = int64_t(map.height) * map.width;
  ImagePatchesParams windows = {.x = pixels,
                                .out = {},
                                .first_row = 0,
                                .rows = 0,
                                .images = 1,
                                .channels = kColours,
                                .height = size.height,
                                .width = size.width,
                                .out_height = map.height,
                                .out_width = map.width,
                                .kernel = 7,
                                .stride = 2,
                                .padding = 3,
                                .planar = true,
                                .relu = false};
  int at = 0;  // of the map that was made last
  SKIPSCAN_TRY(convolve(windows, weights.stem[0], 0, pixels_of_map, buffers.maps[at]));
  windows.channels = kChannels;
  windows.height = map.height;
  windows.width = map.width;
  windows.planar = false;
  windows.relu = true;  // of the convolution before
  for (int32_t i = 0; i < config.stem_convs; ++i) {
    windows.x = buffers.maps[at];
    windows.kernel = 3;
    windows.stride = windows.padding = 1;
    at = 1 - at;
    SKIPSCAN_TRY(convolve(windows, weights.stem[size_t(i) + 1], 0, pixels_of_map, buffers.maps[at]));
  }
  // Windows that stand over the right and lower edges see zeros there.
  windows.x = buffers.maps[at];
  windows.out_height = grid.rows;
  windows.out_width = grid.cols;
  windows.kernel = windows.stride = config.patch / 2;
  windows.padding = 0;
  return convolve(windows, weights.stem.back(), 0, grid.patches(), tokens);
}

}  // namespace skipscan
