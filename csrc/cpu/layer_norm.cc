// Layer normalisation with the residual sum fused in. Where a row's values are large and close together, its mean is rounded by
// more than they differ: so the mean of the distances from it, which are exact there, corrects it.
#include "cpu/kernels.h"
#include "cpu/parallel.h"
#include "cpu/sums.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

// The mean of what visit(c, n) returns, whose lanes from n on must be 0.
template <class Visit>
float mean(int64_t size, const Visit& visit) {
  return total(size, [&](Vec& sum, int64_t c, int64_t n) { sum = sum + visit(c, n); }) / float(size);
}

void normalise_row(const LayerNormParams& p, int64_t row) {
  const int64_t at = row * p.dim;
  const float *x = p.x + at, *residual = p.residual_in ? p.residual_in + at : nullptr;
  float *sums = p.residual_out ? p.residual_out + at : nullptr, *out = p.out + at;
  const auto add = [&](int64_t c, int64_t n) {
    const Vec v = load_some(x + c, n);
    return residual ? v + load_some(residual + c, n) : v;
  };
  const float rough = mean(p.dim, [&](int64_t c, int64_t n) {
    const Vec s = add(c, n);
    if (sums) store_some(sums + c, s, n);
    return s;
  });
  const auto distance = [&](int64_t c, int64_t n) {  // sums may have taken the place of x or residual
    return first_lanes((sums ? load_some(sums + c, n) : add(c, n)) - set1(rough), n);
  };
  const float rest = mean(p.dim, distance);
  const auto centred = [&](int64_t c, int64_t n) { return distance(c, n) - set1(rest); };
  const float variance = mean(p.dim, [&](int64_t c, int64_t n) {
    const Vec v = first_lanes(centred(c, n), n);
    return v * v;
  });
  const Vec scale = set1(1 / __builtin_sqrtf(variance + p.eps));
  for (int64_t c = 0; c < p.dim; c += kWidth) {
    const int64_t n = p.dim - c;
    store_some(out + c, fma(centred(c, n) * scale, load_some(p.weight + c, n), load_some(p.bias + c, n)), n);
  }
}

Status run(const LayerNormParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  parallel_rows(ctx.pool, p.rows, p.dim, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) normalise_row(p, row);
  });
  return {};
}

}  // namespace

const Op<LayerNormParams> layer_norm = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
