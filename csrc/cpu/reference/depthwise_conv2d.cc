#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {
namespace {

// The input of a sequence at place (y, x), which may lie outside of the grid.
double input(const DepthwiseConv2dParams& p, int64_t sequence, int64_t y, int64_t x, int64_t channel) {
  if (y < 0 || y >= p.height || x < 0 || x >= p.width) return 0;
  const int64_t row = p.row_at[(y * p.width + x) * p.sequences + sequence];
  if (row < 0) return 0;
  return double(p.x[row * p.x_stride + channel]) + (p.added ? p.added[row * p.channels + channel] : 0);
}

double activate(Activation activation, double v) {
  switch (activation) {
    case Activation::none: return v;
    case Activation::silu: return silu(v);
    case Activation::gelu: return v / 2 * (1 + std::erf(v / std::sqrt(2.0)));
  }
  return v;
}

void convolve(const DepthwiseConv2dParams& p, int64_t sequence, int64_t row, int64_t channel) {
  const int64_t y = p.positions[row] / p.width - p.size / 2, x = p.positions[row] % p.width - p.size / 2;
  double total = p.bias ? p.bias[channel] : 0;
  for (int64_t dy = 0; dy < p.size; ++dy)
    for (int64_t dx = 0; dx < p.size; ++dx)
      total += p.weight[(dy * p.size + dx) * p.channels + channel] * input(p, sequence, y + dy, x + dx, channel);
  p.out[row * p.out_stride + channel] = float(activate(p.activation, total));
}

Status run(const DepthwiseConv2dParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  for (int64_t s = 0; s < p.sequences; ++s)
    for (int64_t row = p.offsets[s]; row < p.offsets[s + 1]; ++row)
      for (int64_t c = 0; c < p.channels; ++c) convolve(p, s, row, c);
  return {};
}

}  // namespace

const Op<DepthwiseConv2dParams> depthwise_conv2d = {supports_all, run};

}  // namespace skipscan::cpu::reference
