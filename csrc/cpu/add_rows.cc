// Rows plus the rows of a table that ids name, such as position embeddings.
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

Status run(const AddRowsParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  parallel_rows(ctx.pool, p.rows, p.dim, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float *x = p.x + row * p.x_stride, *added = p.table + p.ids[row] * p.dim;
      float* out = p.out + row * p.dim;
      for (int64_t c = 0; c < p.dim; c += kWidth) {
        const int64_t n = p.dim - c;
        store_some(out + c, load_some(x + c, n) + load_some(added + c, n), n);
      }
    }
  });
  return {};
}

}  // namespace

const Op<AddRowsParams> add_rows = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
