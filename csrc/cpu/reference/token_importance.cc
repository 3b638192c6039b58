#include <algorithm>

#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {
namespace {

double value(const TokenImportanceParams& p, int64_t row, int64_t c) {
  return double(p.x[row * p.x_stride + c]) + (p.added ? p.added[row * p.added_stride + c] : 0);
}

double mean(const TokenImportanceParams& p, int64_t row) {
  double total = 0;
  for (int64_t c = 0; c < p.channels; ++c) {
    const double v = value(p, row, c);
    switch (p.metric) {
      case ImportanceMetric::clip: total += v < 0 ? 0 : v; break;
      case ImportanceMetric::l1: total += std::fabs(v); break;
      case ImportanceMetric::l2: total += v * v; break;
      default: total += v;
    }
  }
  total /= double(p.channels);
  return p.metric == ImportanceMetric::l2 ? std::sqrt(total) : total;
}

double dot(const TokenImportanceParams& p, int64_t a, int64_t b) {
  double total = 0;
  for (int64_t c = 0; c < p.channels; ++c) total += value(p, a, c) * value(p, b, c);
  return total;
}

double cosine(const TokenImportanceParams& p, int64_t a, int64_t b) {
  const double squares = dot(p, a, a) * dot(p, b, b);
  return squares == 0 ? 0 : dot(p, a, b) / std::sqrt(squares);
}

double novelty(const TokenImportanceParams& p, int64_t row, int64_t begin, int64_t end) {
  const bool has_next = p.metric == ImportanceMetric::novel2 && row + 1 < end;
  if (!std::isfinite(dot(p, row, row))) return NAN;
  if (row == begin && !has_next) return 1;
  if (row == begin) return 1 - cosine(p, row, row + 1);
  if (!has_next) return 1 - cosine(p, row, row - 1);
  return 1 - std::fmax(cosine(p, row, row - 1), cosine(p, row, row + 1));  // fmax: of two, the one that is a number
}

Status run(const TokenImportanceParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  const bool novel = p.metric == ImportanceMetric::novel || p.metric == ImportanceMetric::novel2;
  for (int32_t s = 0; s < p.sequences; ++s)
    for (int64_t row = p.offsets[s]; row < p.offsets[s + 1]; ++row)
      p.scores[row] = float(novel ? novelty(p, row, p.offsets[s], p.offsets[s + 1]) : mean(p, row));
  return {};
}

}  // namespace

const Op<TokenImportanceParams> token_importance = {supports_all, run};

}  // namespace skipscan::cpu::reference
