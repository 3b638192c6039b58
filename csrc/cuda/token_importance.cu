// Importance of rows: by themselves (`row`), or compared with their neighbours.
#include "cuda/token_importance.cuh"

#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

Support supports(const TokenImportanceParams& p) {
  if (p.metric == ImportanceMetric::state) return {false, "The metric state comes out of a scan, not out of rows."};
  return {};
}

Status run(const TokenImportanceParams& p, ExecContext& ctx) {
  const bool novel = p.metric == ImportanceMetric::novel || p.metric == ImportanceMetric::novel2;
  ctx.route = novel ? "cuda/neighbours" : "cuda/row";
  return with_dtype(p.x.dtype, [&](auto x) {
    if (!p.added) return launch_token_importance<decltype(x), decltype(x)>(p, *ctx.stream);
    return with_dtype(p.added.dtype, [&](auto added) {
      return launch_token_importance<decltype(x), decltype(added)>(p, *ctx.stream);
    });
  });
}

}  // namespace

const Op<TokenImportanceParams> token_importance = {supports, run};

}  // namespace skipscan::cuda
