// Importance scores of rows.
#include "cpu/importance.h"
#include "cpu/kernels.h"
#include "cpu/sums.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

Vec load_row(const TokenImportanceParams& p, int64_t row, int64_t c, int64_t n) {
  const Vec x = load_some(p.x.f32() + row * p.x_stride + c, n);
  return p.added ? x + load_some(p.added.f32() + row * p.added_stride + c, n) : x;
}

template <ImportanceMetric metric>
float score_row(const TokenImportanceParams& p, int64_t row) {
  const float sum_of_row = total(
      p.channels, [&](Vec& sum, int64_t c, int64_t n) { sum = add_channels(metric, sum, load_row(p, row, c, n)); });
  return score(metric, sum_of_row / float(p.channels));
}

template <ImportanceMetric metric>
void score_rows(const TokenImportanceParams& p, ThreadPool& pool) {
  parallel_rows(pool, p.rows, p.channels, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) p.scores[row] = score_row<metric>(p, row);
  });
}

float dot(const TokenImportanceParams& p, int64_t a, int64_t b) {
  return total(p.channels,
               [&](Vec& sum, int64_t c, int64_t n) { sum = fma(load_row(p, a, c, n), load_row(p, b, c, n), sum); });
}

float cosine(float dot, float square_a, float square_b) {
  const double squares = double(square_a) * square_b;
  return squares == 0 ? 0 : float(dot / __builtin_sqrt(squares));
}

// scores[row] = the cosine of every row with the one before it; whatever it is for the first.
void cosines_of_neighbours(const TokenImportanceParams& p, ThreadPool& pool) {
  parallel_rows(pool, p.rows, p.channels, [&](int64_t begin, int64_t end) {
    float before = begin > 0 ? dot(p, begin - 1, begin - 1) : 0;
    for (int64_t row = begin; row < end; ++row) {
      const float square = dot(p, row, row);
      p.scores[row] = row > 0 ? cosine(dot(p, row - 1, row), before, square) : 0;
      before = square;
    }
  });
}

// The larger one, or the other where one is not a number: a row that is not gives itself away, not its neighbours.
float larger(float a, float b) { return a >= b || b != b ? a : b; }

// 0, or not a number where the row is not finite: what a row without a neighbour has in place of a cosine.
float no_cosine(const TokenImportanceParams& p, int64_t row) {
  const float square = dot(p, row, row);
  return square - square;
}

// From the cosines of neighbours in the scores to the scores themselves.
void score_novelty(const TokenImportanceParams& p) {
  const bool both_sides = p.metric == ImportanceMetric::novel2;
  for (int32_t s = 0; s < p.sequences; ++s) {
    const int64_t begin = p.offsets[s], end = p.offsets[s + 1];
    for (int64_t row = begin; row < end; ++row) {
      const bool before = row > begin, after = both_sides && row + 1 < end;
      float nearest = before ? p.scores[row] : after ? p.scores[row + 1] : no_cosine(p, row);
      if (before && after) nearest = larger(nearest, p.scores[row + 1]);
      p.scores[row] = 1 - nearest;
    }
  }
}

Status run(const TokenImportanceParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  switch (p.metric) {
    case ImportanceMetric::clip: score_rows<ImportanceMetric::clip>(p, ctx.pool); break;
    case ImportanceMetric::l1: score_rows<ImportanceMetric::l1>(p, ctx.pool); break;
    case ImportanceMetric::l2: score_rows<ImportanceMetric::l2>(p, ctx.pool); break;
    case ImportanceMetric::sum:
    case ImportanceMetric::delta: score_rows<ImportanceMetric::sum>(p, ctx.pool); break;
    case ImportanceMetric::novel:
    case ImportanceMetric::novel2:
      cosines_of_neighbours(p, ctx.pool);
      score_novelty(p);
      break;
    case ImportanceMetric::state:
      return fail(Code::unsupported, "The metric state comes out of a scan, not out of rows.");
  }
  return {};
}

}  // namespace

const Op<TokenImportanceParams> token_importance = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
