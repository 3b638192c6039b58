// Means of packed rows: a block for each sequence and a warp's width of channels.
#include "cuda/mean_rows.cuh"

#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

Support supports(const MeanRowsParams& p) { return supports_one_dtype({p.x, p.out}); }

Status run(const MeanRowsParams& p, ExecContext& ctx) {
  ctx.route = "cuda/columns";
  return with_dtype(p.x.dtype, [&](auto x) { return launch_mean_rows<decltype(x)>(p, *ctx.stream); });
}

}  // namespace

const Op<MeanRowsParams> mean_rows = {supports, run};

}  // namespace skipscan::cuda
