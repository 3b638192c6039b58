// The windows of a 2-D convolution as rows, so that a product with its weights is the convolution ("im2col"). Row i belongs to
// output place first_row + i of (images, out_height, out_width), whose window begins at (oy * stride - padding, ox * stride -
// padding) of its image:
//   out[i][(dy * kernel + dx) * channels + c] = act(x[image][y + dy][x + dx][c]), and 0 outside of the image
#pragma once
#include "core/elements.h"
#include "ops/op.h"

namespace skipscan {

struct ImagePatchesParams {
  ConstElements x;  // (images, channels, height, width) where `planar`, else (images, height, width, channels)
  Elements out;     // (rows, kernel * kernel * channels), of the dtype of x or, of float32 x, any other
  int64_t first_row, rows;
  int32_t images, channels, height, width;
  int32_t out_height, out_width;
  int32_t kernel, stride, padding;
  bool planar;
  bool relu;  // act(v) = max(v, 0); else v
};

}  // namespace skipscan
