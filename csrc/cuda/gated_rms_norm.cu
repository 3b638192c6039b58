// Mamba-2's gated normalisation: a block for each row and group.
#include "cuda/gated_rms_norm.cuh"

#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

Support supports(const GatedRmsNormParams& p) { return supports_one_dtype({p.y, p.z, p.out}); }

Status run(const GatedRmsNormParams& p, ExecContext& ctx) {
  ctx.route = "cuda/group";
  return with_dtype(p.y.dtype, [&](auto y) { return launch_gated_rms_norm<decltype(y)>(p, *ctx.stream); });
}

}  // namespace

const Op<GatedRmsNormParams> gated_rms_norm = {supports, run};

}  // namespace skipscan::cuda
