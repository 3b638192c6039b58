// Gathers the kept rows and averages what merges into them. A task is a span of channels through all the rows, so that rows can
// move up within one tensor: first the means are made where their destinations are, then rows move up in order.
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

constexpr int64_t kLine = 16;  // floats of a cache line

struct Branch {
  const float* x;
  const int32_t* dest;
  float* out;
  // For each row a list of those that merge into it, ascending: the first one, and the next one after each; -1 ends it.
  int32_t *first, *next;
};

void list_members(const Branch& b, int64_t rows) {
  for (int64_t row = 0; row < rows; ++row) b.first[row] = -1;
  for (int64_t row = rows - 1; row >= 0; --row) {
    const int32_t to = b.dest[row];
    if (to < 0 || to == row) continue;
    b.next[row] = b.first[to];
    b.first[to] = int32_t(row);
  }
}

// The mean of a row and its members, as x + (sum of w * (member - x)) / (sum of w): exact where all are equal.
void average(const ReduceTokensParams& p, const Branch& b, int32_t row, int64_t c, int64_t end, float* out) {
  float weight = p.weights[row];
  for (int32_t i = b.first[row]; i >= 0; i = b.next[i]) weight += p.weights[i];
  const float* x = b.x + row * p.dim;
  for (; c < end; c += kWidth) {
    const int64_t n = end - c;
    const Vec own = load_some(x + c, n);
    Vec sum = set1(0);
    for (int32_t i = b.first[row]; i >= 0; i = b.next[i])
      sum = fma(set1(p.weights[i]), load_some(b.x + i * p.dim + c, n) - own, sum);
    store_some(out + c, own + sum / set1(weight), n);
  }
}

void reduce(const ReduceTokensParams& p, const Branch& b, int64_t c, int64_t end) {
  const bool in_place = b.out == b.x;
  for (int64_t k = 0; k < p.kept_rows; ++k) {
    const int32_t row = p.kept[k];
    if (b.first[row] >= 0) average(p, b, row, c, end, b.out + (in_place ? row : k) * p.dim);
  }
  for (int64_t k = 0; k < p.kept_rows; ++k) {
    const int32_t row = p.kept[k];
    if (in_place ? row != k : b.first[row] < 0)
      memcpy(b.out + k * p.dim + c, b.x + row * p.dim + c, size_t(end - c) * sizeof(float));
  }
}

// What describes the rows that stay.
void describe(const ReduceTokensParams& p) {
  for (int32_t s = 0; s < p.sequences; ++s) {
    int32_t before = p.start - 1;
    for (int32_t k = p.kept_offsets[s]; k < p.kept_offsets[s + 1]; ++k) {
      const int32_t row = p.kept[k];
      p.positions_out[k] = p.positions[row];
      p.protected_out[k] = p.is_protected[row];
      p.gap_out[k] = p.positions[row] - before;
      before = p.positions[row];
    }
  }
}

Status run(const ReduceTokensParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  const int branches = p.residual ? 2 : 1;
  ctx.pool.reserve_scratch(size_t(2 * branches * p.rows) * sizeof(int32_t));
  int32_t* lists = ctx.pool.scratch<int32_t>(0);
  const Branch all[2] = {{p.hidden, p.dest_hidden, p.hidden_out, lists, lists + p.rows},
                         {p.residual, p.dest_residual, p.residual_out, lists + 2 * p.rows, lists + 3 * p.rows}};
  for (int i = 0; i < branches; ++i) list_members(all[i], p.rows);
  // As few spans as there are threads for: moving whole rows is fastest.
  const int64_t width = ceil_div(ceil_div(p.dim, ceil_div(ctx.pool.threads(), branches)), kLine) * kLine;
  const int64_t spans = ceil_div(p.dim, width);
  ctx.pool.parallel_for(branches * spans, [&](int64_t task, int) {
    const int64_t c = task % spans * width;
    reduce(p, all[task / spans], c, min(c + width, p.dim));
  });
  describe(p);
  return {};
}

}  // namespace

const Op<ReduceTokensParams> reduce_tokens = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
