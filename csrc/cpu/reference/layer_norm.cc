#include <vector>

#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {
namespace {

Status run(const LayerNormParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  std::vector<double> s(size_t(p.dim));
  for (int64_t i = 0; i < p.rows; ++i) {
    const int64_t row = i * p.dim;
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < p.dim; ++c) {
      s[size_t(c)] = double(p.x[row + c]) + (p.residual_in ? p.residual_in[row + c] : 0);
      mean += s[size_t(c)] / double(p.dim);
    }
    for (const double v : s) variance += (v - mean) * (v - mean) / double(p.dim);
    for (int64_t c = 0; c < p.dim; ++c) {
      if (p.residual_out) p.residual_out[row + c] = float(s[size_t(c)]);
      p.out[row + c] = float((s[size_t(c)] - mean) / std::sqrt(variance + p.eps) * p.weight[c] + p.bias[c]);
    }
  }
  return {};
}

}  // namespace

const Op<LayerNormParams> layer_norm = {supports_all, run};

}  // namespace skipscan::cpu::reference
