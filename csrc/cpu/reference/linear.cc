#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {
namespace {

Status run(const LinearParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  for (int64_t i = 0; i < p.rows; ++i)
    for (int64_t o = 0; o < p.weight.rows; ++o) {
      double total = p.bias ? p.bias[o] : 0;
      for (int64_t c = 0; c < p.weight.cols; ++c) total += p.x[i * p.x_stride + c] * element(p.weight, o, c);
      p.y[i * p.y_stride + o] = float(total);
    }
  return {};
}

}  // namespace

const Op<LinearParams> linear = {supports_all, run};

}  // namespace skipscan::cpu::reference
