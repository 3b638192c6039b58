#include <vector>

#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {
namespace {

Status run(const RmsNormParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  std::vector<double> s(size_t(p.dim));
  for (int64_t i = 0; i < p.rows; ++i) {
    const int64_t from = (p.index ? p.index[i] : i) * p.dim, row = i * p.dim;
    double squares = 0;
    for (int64_t c = 0; c < p.dim; ++c) {
      s[size_t(c)] = double(p.x[from + c]) + (p.residual_in ? p.residual_in[from + c] : 0);
      squares += s[size_t(c)] * s[size_t(c)];
    }
    const double norm = std::sqrt(squares / double(p.dim) + p.eps);
    for (int64_t c = 0; c < p.dim; ++c) {
      if (p.residual_out) p.residual_out[row + c] = float(s[size_t(c)]);
      p.out[row + c] = float(s[size_t(c)] / norm * p.weight[c]);
    }
  }
  return {};
}

}  // namespace

const Op<RmsNormParams> rms_norm = {supports_all, run};

}  // namespace skipscan::cpu::reference
