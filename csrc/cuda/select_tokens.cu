// Token selection. What is launched, by policy; all grids are known before any of it runs:
//   uniform, recent, released_utrc   survey, list_kept
//   prune, random                    survey, rank, split, list_kept
//   merge                            survey, norms, similarity, rank, send, list_kept
//   ltmp                             survey, norms, similarity, send, list_kept
//   utrc                             survey, rank, split, norms, similarity, rank, send, list_kept
#include "cuda/select_tokens_fma.cuh"
#include "cuda/select_tokens_rank.cuh"
#include "cuda/select_tokens_rows.cuh"
#include "cuda/select_tokens_tensor.cuh"
#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

Support supports(const SelectTokensParams& p) {
  for (const ConstElements& e : {p.features, p.added_features}) {
    if (e && e.dtype == DType::i32) return {false, "Expected features in f32, bf16 or f16, but received i32."};
  }
  return {};
}

// The best destination of each source.
Status match_features(const SelectTokensParams& p, const SelectState& w, ExecContext& ctx) {
  Stream& stream = *ctx.stream;
  if (TensorMatch<bf16>::takes(p, stream.limits())) {
    ctx.route = "cuda/tensor";
    return p.features.dtype == DType::bf16 ? match(stream, p, w, TensorMatch<bf16>(p))
                                           : match(stream, p, w, TensorMatch<f16>(p));
  }
  ctx.route = "cuda/fma";
  return match(stream, p, w, FmaMatch(p));
}

Status run(const SelectTokensParams& p, ExecContext& ctx) {
  ctx.route = "cuda/rank";
  Stream& stream = *ctx.stream;
  Arena count;
  SelectState::take(count, p);
  void* memory;
  SKIPSCAN_TRY(stream.scratch(count.used(), &memory));
  Arena arena(memory);
  const SelectState w = SelectState::take(arena, p);

  const dim3 sequences(unsigned(p.sequences)), threads(kSequenceThreads);
  const bool ranks =
      p.policy == ReductionPolicy::utrc || p.policy == ReductionPolicy::prune || p.policy == ReductionPolicy::random;
  SKIPSCAN_TRY(launch(stream, select_survey, sequences, threads, 0, p, w, stream.fault()));
  if (ranks) {
    SKIPSCAN_TRY(rank<CandidateKeys>(stream, p, w));
    SKIPSCAN_TRY(launch(stream, select_split, sequences, threads, 0, p, w));
  }
  if (needs_features(p.policy)) {
    SKIPSCAN_TRY(match_features(p, w, ctx));
    if (p.policy != ReductionPolicy::ltmp) SKIPSCAN_TRY(rank<MatchKeys>(stream, p, w));
    SKIPSCAN_TRY(launch(stream, select_send, sequences, threads, 0, p, w));
  }
  return launch(stream, select_list_kept, sequences, threads, 0, p, w);
}

}  // namespace

const Op<SelectTokensParams> select_tokens = {supports, run};

}  // namespace skipscan::cuda
