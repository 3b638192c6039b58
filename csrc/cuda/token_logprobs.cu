// Log-probabilities and the best token: a block for each row of logits.
#include "cuda/token_logprobs.cuh"

#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

Support supports(const TokenLogprobsParams&) { return {}; }

template <int kPack>
Status launch_token_logprobs(const TokenLogprobsParams& p, Stream& stream) {
  return launch(stream, token_logprobs_kernel<kPack>, dim3(unsigned(p.rows)),
                threads_for_row(p.vocabulary, kPack, kLogprobThreads), 0, p);
}

Status run(const TokenLogprobsParams& p, ExecContext& ctx) {
  ctx.route = "cuda/row";
  const bool packed = p.vocabulary % 4 == 0 && aligned(p.logits, p.logits_stride, 16);
  return packed ? launch_token_logprobs<4>(p, *ctx.stream) : launch_token_logprobs<1>(p, *ctx.stream);
}

}  // namespace

const Op<TokenLogprobsParams> token_logprobs = {supports, run};

}  // namespace skipscan::cuda
