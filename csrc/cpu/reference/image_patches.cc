#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {
namespace {

double pixel(const ImagePatchesParams& p, int64_t image, int64_t channel, int64_t y, int64_t x) {
  if (y < 0 || y >= p.height || x < 0 || x >= p.width) return 0;
  const double value = p.planar ? p.x[((image * p.channels + channel) * p.height + y) * p.width + x]
                                : p.x[((image * p.height + y) * p.width + x) * p.channels + channel];
  return p.relu && value < 0 ? 0 : value;
}

Status run(const ImagePatchesParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  float* out = p.out;
  for (int64_t place = p.first_row; place < p.first_row + p.rows; ++place) {
    const int64_t image = place / p.out_width / p.out_height;
    const int64_t y = place / p.out_width % p.out_height * p.stride - p.padding;
    const int64_t x = place % p.out_width * p.stride - p.padding;
    for (int32_t dy = 0; dy < p.kernel; ++dy)
      for (int32_t dx = 0; dx < p.kernel; ++dx)
        for (int32_t c = 0; c < p.channels; ++c) *out++ = float(pixel(p, image, c, y + dy, x + dx));
  }
  return {};
}

}  // namespace

const Op<ImagePatchesParams> image_patches = {supports_all, run};

}  // namespace skipscan::cpu::reference
