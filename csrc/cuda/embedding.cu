// Token embedding: a gather of rows, from any dtype to any other.
#include "cuda/embedding.cuh"
#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

Support supports(const EmbeddingParams& p) {
  if (p.table.panel != 1) return {false, "Expected a table in rows, as a GPU reads it, but received one in panels."};
  return {};
}

Status run(const EmbeddingParams& p, ExecContext& ctx) {
  ctx.route = "cuda/gather";
  return with_dtype(p.table.dtype, [&](auto table) {
    return with_dtype(p.out.dtype,
                      [&](auto out) { return launch_embedding<decltype(table), decltype(out)>(p, *ctx.stream); });
  });
}

}  // namespace

const Op<EmbeddingParams> embedding = {supports, run};

}  // namespace skipscan::cuda
