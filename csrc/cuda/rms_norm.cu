// RMS normalisation with the residual stream: a block for each row.
#include "cuda/rms_norm.cuh"

#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

Support supports(const RmsNormParams& p) { return supports_one_dtype({p.x, p.out}); }

Status run(const RmsNormParams& p, ExecContext& ctx) {
  ctx.route = "cuda/row";
  return with_dtype(p.x.dtype, [&](auto x) { return launch_rms_norm<decltype(x)>(p, *ctx.stream); });
}

}  // namespace

const Op<RmsNormParams> rms_norm = {supports, run};

}  // namespace skipscan::cuda
