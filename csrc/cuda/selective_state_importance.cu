// The metric `state` for Mamba-1: a walk backwards over the steps (selective_state_importance.cuh).
#include "cuda/selective_state_importance.cuh"

#include "core/arena.h"
#include "cuda/selective_scan_scores.cuh"
#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

Support supports(const SelectiveStateImportanceParams& p) { return supports_one_dtype({p.u, p.delta, p.B}); }

Status run(const SelectiveStateImportanceParams& p, ExecContext& ctx) {
  ctx.route = "cuda/chunked";
  Stream& stream = *ctx.stream;
  const int per_group = p.channels / p.groups;
  ScanPlan plan;
  plan.row_units = per_group % kUnit == 0 && aligned(p.u, p.u_stride, 16) && aligned(p.delta, p.delta_stride, 16);
  plan.state_units = p.d_state % kUnit == 0 && aligned(p.B, p.B_stride, 16);
  plan.parts = int(div_up(per_group, kUnit));
  const int64_t parts = int64_t(plan.parts) * p.groups;
  void* sums = nullptr;
  SKIPSCAN_TRY(stream.scratch(size_t(parts * p.path.steps) * sizeof(float), &sums));
  plan.sums = static_cast<float*>(sums);

  // Narrow spans, of which there are the most, where there are steps enough for the threads of a block.
  const int64_t blocks = int64_t(p.path.sequences) * p.groups * plan.parts;
  const bool wide = p.path.longest <= 64 || blocks >= 32 * stream.limits().multiprocessors;
  SKIPSCAN_TRY(with_dtype(p.u.dtype, [&](auto type) {
    using T = decltype(type);
    return wide ? launch_selective_state_importance<T, 32, 128>(p, plan, stream)
                : launch_selective_state_importance<T, 8, 128>(p, plan, stream);
  }));
  return launch_selective_scores(plan.sums, int(parts), p.path, p.channels, ImportanceMetric::state, p.path.index,
                                 nullptr, p.scores, stream);
}

}  // namespace

const Op<SelectiveStateImportanceParams> selective_state_importance = {supports, run};

}  // namespace skipscan::cuda
