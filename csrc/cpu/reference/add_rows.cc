#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {
namespace {

Status run(const AddRowsParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  for (int64_t i = 0; i < p.rows; ++i)
    for (int64_t c = 0; c < p.dim; ++c)
      p.out[i * p.dim + c] = float(double(p.x[i * p.x_stride + c]) + p.table[p.ids[i] * p.dim + c]);
  return {};
}

}  // namespace

const Op<AddRowsParams> add_rows = {supports_all, run};

}  // namespace skipscan::cpu::reference
