#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {
namespace {

Status run(const MeanRowsParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  for (int64_t s = 0; s < p.sequences; ++s) {
    const int64_t begin = p.offsets[s], end = p.offsets[s + 1];
    for (int64_t c = 0; c < p.dim; ++c) {
      double total = 0;
      for (int64_t row = begin; row < end; ++row) total += p.x[row * p.dim + c];
      p.out[s * p.dim + c] = begin < end ? float(total / double(end - begin)) : 0;
    }
  }
  return {};
}

}  // namespace

const Op<MeanRowsParams> mean_rows = {supports_all, run};

}  // namespace skipscan::cpu::reference
