#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {
namespace {

// The first of the largest elements, or -1 where there is no right answer.
int32_t argmax(const float* row, int64_t size) {
  int32_t best = -1;
  for (int64_t v = 0; v < size; ++v) {
    if (std::isnan(row[v]) || row[v] == INFINITY) return -1;
    if (row[v] > (best < 0 ? -INFINITY : row[best])) best = int32_t(v);
  }
  return best;
}

double log_sum_exp(const float* row, int64_t size, double largest) {
  double total = 0;
  for (int64_t v = 0; v < size; ++v) total += std::exp(row[v] - largest);
  return largest + std::log(total);
}

Status run(const TokenLogprobsParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  for (int64_t i = 0; i < p.rows; ++i) {
    const float* row = p.logits + i * p.logits_stride;
    const int32_t best = argmax(row, p.vocabulary);
    if (p.best) p.best[i] = best;
    if (!p.tokens) continue;
    p.logprobs[i] = best < 0 ? NAN : float(row[p.tokens[i]] - log_sum_exp(row, p.vocabulary, row[best]));
  }
  return {};
}

}  // namespace

const Op<TokenLogprobsParams> token_logprobs = {supports_all, run};

}  // namespace skipscan::cpu::reference
