// Rows plus the rows of a table, such as position embeddings.
#include "cuda/add_rows.cuh"

#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

Support supports(const AddRowsParams& p) { return supports_one_dtype({p.x, p.out}); }

Status run(const AddRowsParams& p, ExecContext& ctx) {
  ctx.route = "cuda/gather";
  return with_dtype(p.x.dtype, [&](auto x) { return launch_add_rows<decltype(x)>(p, *ctx.stream); });
}

}  // namespace

const Op<AddRowsParams> add_rows = {supports, run};

}  // namespace skipscan::cuda
