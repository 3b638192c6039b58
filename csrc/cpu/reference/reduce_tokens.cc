#include <vector>

#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {
namespace {

void reduce(const ReduceTokensParams& p, const float* x, const int32_t* dest, float* out) {
  std::vector<float> result;
  for (int64_t k = 0; k < p.kept_rows; ++k) {
    const int64_t row = p.kept[k];
    for (int64_t c = 0; c < p.dim; ++c) {
      double total = double(p.weights[row]) * x[row * p.dim + c], weight = p.weights[row];
      bool alone = true;
      for (int64_t other = 0; other < p.rows; ++other) {
        if (other == row || dest[other] != row) continue;
        total += double(p.weights[other]) * x[other * p.dim + c];
        weight += p.weights[other];
        alone = false;
      }
      result.push_back(alone ? x[row * p.dim + c] : float(total / weight));
    }
  }
  for (size_t i = 0; i < result.size(); ++i) out[i] = result[i];
}

// What describes the rows that stay.
void describe(const ReduceTokensParams& p) {
  for (int32_t s = 0; s < p.sequences; ++s) {
    int32_t before = p.start - 1;
    for (int32_t k = p.kept_offsets[s]; k < p.kept_offsets[s + 1]; ++k) {
      const int32_t position = p.positions[p.kept[k]];
      p.positions_out[k] = position;
      p.protected_out[k] = p.is_protected[p.kept[k]];
      p.gap_out[k] = position - before;
      before = position;
    }
  }
}

Status run(const ReduceTokensParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  reduce(p, p.hidden, p.dest_hidden, p.hidden_out);
  if (p.residual) reduce(p, p.residual, p.dest_residual, p.residual_out);
  describe(p);
  return {};
}

}  // namespace

const Op<ReduceTokensParams> reduce_tokens = {supports_all, run};

}  // namespace skipscan::cpu::reference
