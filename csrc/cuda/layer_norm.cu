// Layer normalisation with the residual stream: a block for each row.
#include "cuda/layer_norm.cuh"

#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

Support supports(const LayerNormParams& p) { return supports_one_dtype({p.x, p.out}); }

Status run(const LayerNormParams& p, ExecContext& ctx) {
  ctx.route = "cuda/row";
  return with_dtype(p.x.dtype, [&](auto x) { return launch_layer_norm<decltype(x)>(p, *ctx.stream); });
}

}  // namespace

const Op<LayerNormParams> layer_norm = {supports, run};

}  // namespace skipscan::cuda
