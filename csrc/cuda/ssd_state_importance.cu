// The metric `state` for Mamba-2: a walk backwards over the steps (ssd_state_importance.cuh).
#include "cuda/ssd_state_importance.cuh"

#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

template <class T, int kVec>
Status run_scores(const SsdStateImportanceParams& p, const float* remainders, Stream& stream) {
  int lanes = 1;
  while (lanes < kWarp && lanes * kVec < p.head_dim) lanes *= 2;
  return launch(stream, ssd_state_scores<T, kVec>, dim3(unsigned(p.path.steps)), dim3(kStateScoreThreads),
                size_t(p.groups) * sizeof(float), p, remainders, lanes);
}

Support supports(const SsdStateImportanceParams& p) { return supports_one_dtype({p.x, p.dt, p.B}); }

Status run(const SsdStateImportanceParams& p, ExecContext& ctx) {
  ctx.route = "cuda/state";
  if (p.path.steps == 0) return {};
  void* remainders = nullptr;  // (steps, heads)
  SKIPSCAN_TRY(ctx.stream->scratch(size_t(p.path.steps) * size_t(p.heads) * sizeof(float), &remainders));
  return with_dtype(p.x.dtype, [&](auto of_type) {
    using T = decltype(of_type);
    constexpr int kVec = 16 / sizeof(T);
    float* const scratch = static_cast<float*>(remainders);
    SKIPSCAN_TRY(launch(*ctx.stream, ssd_state_remainders<T>, dim3(unsigned(p.heads), unsigned(p.path.sequences)),
                        dim3(kRemainderThreads), 0, p, scratch));
    const bool packs = p.head_dim % kVec == 0 && aligned(p.x, p.x_stride, 16);
    return packs ? run_scores<T, kVec>(p, scratch, *ctx.stream) : run_scores<T, 1>(p, scratch, *ctx.stream);
  });
}

}  // namespace

const Op<SsdStateImportanceParams> ssd_state_importance = {supports, run};

}  // namespace skipscan::cuda
