// Mamba-1's scan: which form runs. One step: `step`. Enough sequences and channels for a thread each: `sequential`. Else
// `chunked`, whose blocks walk several chunks of steps at once.
#include "core/arena.h"
#include "cuda/selective_scan_chunked.cuh"
#include "cuda/selective_scan_scores.cuh"
#include "cuda/selective_scan_sequential.cuh"
#include "cuda/selective_scan_step.cuh"
#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

enum class Form { step, sequential, chunked };

// Threads of a multiprocessor from which on a thread for each sequence and channel keeps the exponentials busy: three warps
// for each of its four parts, as a warp has many exponentials under way.
constexpr int64_t kSequentialThreads = 384;

Form choose_form(const SelectiveScanParams& p, const DeviceLimits& limits) {
  if (p.path.longest <= 1) return Form::step;
  const int64_t threads = int64_t(p.path.sequences) * p.channels;
  const bool fills = threads >= kSequentialThreads * limits.multiprocessors;
  return fills && p.d_state == kSliceStates ? Form::sequential : Form::chunked;
}

// Spans as narrow as a unit where there are steps enough for the threads of a block, as the most blocks are the best shared
// out; with more threads, where there still are few of them.
template <class T>
Status run_chunked(const SelectiveScanParams& p, const ScanPlan& plan, Stream& stream) {
  if (p.d_state > kSliceStates) return launch_selective_scan_chunked<T, 8, 128, true>(p, plan, stream);
  const DeviceLimits& limits = stream.limits();
  const int64_t blocks = int64_t(p.path.sequences) * p.groups * plan.parts;  // of one unit
  if (p.path.longest <= 64 || blocks >= 32 * limits.multiprocessors) {
    return launch_selective_scan_chunked<T, 32, 128>(p, plan, stream);
  }
  const bool fits = sizeof(ChunkedShared<ScanTile<T, 8, 256>>) <= limits.shared_bytes;
  if (p.path.longest <= 128 || blocks >= 4 * limits.multiprocessors || !fits) {
    return launch_selective_scan_chunked<T, 8, 128>(p, plan, stream);
  }
  return launch_selective_scan_chunked<T, 8, 256>(p, plan, stream);
}

template <class T>
Status run_form(Form form, const SelectiveScanParams& p, const ScanPlan& plan, Stream& stream) {
  switch (form) {
    case Form::step: return launch_selective_scan_step<T>(p, plan, stream);
    case Form::sequential: return launch_selective_scan_sequential<T>(p, plan, stream);
    case Form::chunked: return run_chunked<T>(p, plan, stream);
  }
  return {};
}

Support supports(const SelectiveScanParams& p) {
  return supports_one_dtype({p.u, p.delta, p.B, p.C, p.z, p.y, p.y_in});
}

Status run(const SelectiveScanParams& p, ExecContext& ctx) {
  Stream& stream = *ctx.stream;
  const Form form = choose_form(p, stream.limits());
  ctx.route = form == Form::step ? "cuda/step" : form == Form::sequential ? "cuda/sequential" : "cuda/chunked";

  const int per_group = p.channels / p.groups;
  ScanPlan plan;
  plan.row_units = per_group % kUnit == 0 && aligned(p.u, p.u_stride, 16) && aligned(p.delta, p.delta_stride, 16) &&
                   aligned(p.z, p.z_stride, 16);
  plan.y_units = per_group % kUnit == 0 && aligned(p.y, p.y_stride, 16);
  plan.state_units = p.d_state % kUnit == 0 && aligned(p.B, p.B_stride, 16) && aligned(p.C, p.C_stride, 16);
  plan.parts = int(div_up(per_group, kUnit));

  const bool keeps_states = form == Form::chunked && p.d_state > kSliceStates && !p.state_out;
  const auto carve = [&](Arena& arena) {
    if (keeps_states) plan.states = arena.take<float>(int64_t(p.path.sequences) * p.channels * p.d_state);
    if (p.importance) plan.sums = arena.take<float>(int64_t(plan.parts) * p.groups * p.path.steps);
  };
  Arena size;
  carve(size);
  void* scratch = nullptr;
  if (size.used() > 0) SKIPSCAN_TRY(stream.scratch(size.used(), &scratch));
  Arena arena(scratch);
  carve(arena);
  if (p.state_out) plan.states = p.state_out;

  SKIPSCAN_TRY(with_dtype(p.u.dtype, [&](auto type) { return run_form<decltype(type)>(form, p, plan, stream); }));
  if (!p.importance) return {};
  const int32_t* rows = p.metric == ImportanceMetric::delta ? p.path.param_index : p.path.index;
  return launch_selective_scores(plan.sums, plan.parts * p.groups, p.path, p.channels, p.metric, rows, p.importance_in,
                                 p.importance, stream);
}

}  // namespace

const Op<SelectiveScanParams> selective_scan = {supports, run};

}  // namespace skipscan::cuda
