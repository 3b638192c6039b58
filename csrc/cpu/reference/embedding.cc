#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {
namespace {

Status run(const EmbeddingParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  const int64_t dim = p.table.cols;
  for (int64_t i = 0; i < p.rows; ++i)
    for (int64_t c = 0; c < dim; ++c) p.out[i * dim + c] = float(element(p.table, p.ids[i], c));
  return {};
}

}  // namespace

const Op<EmbeddingParams> embedding = {supports_all, run};

}  // namespace skipscan::cpu::reference
