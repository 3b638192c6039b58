// Log-probabilities of tokens and the likeliest token, a task for each row. The row is read twice: for its largest element,
// then for the sum of exponentials, for which it is still in the cache.
#include "cpu/importance.h"
#include "cpu/kernels.h"
#include "cpu/sums.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

struct Largest {
  float value = -__builtin_inff();
  float wrong = 0;  // not a number where an element is not one, or +Infinity
};

// Of the pieces that a long row is looked for its largest element in.
constexpr int64_t kPiece = 1024;

Largest largest_of(const float* v, int64_t size) {
  Vec most = set1(-__builtin_inff()), wrong = set1(0);
  const auto visit = [&](Vec x) {
    most = max(most, x);
    wrong = fma(max(set1(0), x), set1(0), wrong);  // this way round NaN stays NaN, and -Infinity becomes 0
  };
  int64_t c = 0;
  for (; c + kWidth <= size; c += kWidth) visit(load(v + c));
  for (; c < size; ++c) visit(set1(v[c]));
  float lanes[kWidth];
  store(lanes, most);
  Largest largest = {.wrong = sum(wrong)};
  for (float lane : lanes) largest.value = lane > largest.value ? lane : largest.value;
  return largest;
}

// The first of the largest elements, or -1 where there is no right answer.
int64_t argmax(const float* row, int64_t size) {
  float largest = -__builtin_inff();
  int64_t best = -1;
  for (int64_t c = 0; c < size; c += kPiece) {
    const Largest piece = largest_of(row + c, min(kPiece, size - c));
    if (piece.wrong != 0) return -1;
    if (piece.value > largest) {
      largest = piece.value;
      best = c;
    }
  }
  if (best >= 0)
    while (row[best] != largest) ++best;
  return best;
}

// log(sum(exp(v - largest)))
float log_sum_exp(const float* row, int64_t size, float largest) {
  return __builtin_logf(total(size, [=](Vec& sum, int64_t c, int64_t n) {
    sum = sum + first_lanes(exp(load_some(row + c, n) - set1(largest)), n);
  }));
}

void run_row(const TokenLogprobsParams& p, int64_t i) {
  const float* row = p.logits + i * p.logits_stride;
  const int64_t best = argmax(row, p.vocabulary);
  if (p.best) p.best[i] = int32_t(best);
  if (!p.tokens) return;
  p.logprobs[i] =
      best < 0 ? __builtin_nanf("") : row[p.tokens[i]] - row[best] - log_sum_exp(row, p.vocabulary, row[best]);
}

Status run(const TokenLogprobsParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  parallel_rows(ctx.pool, p.rows, p.vocabulary, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) run_row(p, i);
  });
  return {};
}

}  // namespace

const Op<TokenLogprobsParams> token_logprobs = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
