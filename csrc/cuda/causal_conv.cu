// The causal convolution: which kernel runs, for a decoding step or along a path.
#include "cuda/causal_conv.cuh"

#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

Support supports(const CausalConvParams& p) { return supports_one_dtype({p.x, p.y}); }

Status run(const CausalConvParams& p, ExecContext& ctx) {
  const bool single_steps = p.path.longest == 1;
  ctx.route = single_steps ? "cuda/step" : "cuda/window";
  return with_dtype(p.x.dtype, [&](auto x) { return launch_conv<decltype(x)>(p, single_steps, *ctx.stream); });
}

}  // namespace

const Op<CausalConvParams> causal_conv = {supports, run};

}  // namespace skipscan::cuda
