#include <vector>

#include "cpu/reference/importance.h"

namespace skipscan::cpu::reference {
namespace {

// v / sqrt(mean(v^2) + eps) over each group
void normalise(std::vector<double>& v, int64_t group_size, double eps) {
  for (size_t begin = 0; begin < v.size(); begin += size_t(group_size)) {
    double squares = 0;
    for (size_t c = begin; c < begin + size_t(group_size); ++c) squares += v[c] * v[c];
    const double norm = std::sqrt(squares / double(group_size) + eps);
    for (size_t c = begin; c < begin + size_t(group_size); ++c) v[c] /= norm;
  }
}

Status run(const GatedRmsNormParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  std::vector<double> v(size_t(p.dim));
  for (int64_t i = 0; i < p.rows; ++i) {
    const float *y = p.y + i * p.dim, *z = p.z + i * p.z_stride;
    for (size_t c = 0; c < v.size(); ++c) v[c] = p.norm_before_gate ? y[c] : y[c] * silu(z[c]);
    normalise(v, p.group_size, p.eps);
    float* out = p.out + i * p.dim;
    Score score(p.metric);
    for (size_t c = 0; c < v.size(); ++c) {
      v[c] *= p.weight[c] * (p.norm_before_gate ? silu(z[c]) : 1);
      score.add(v[c]);
      out[c] = float(v[c]);
    }
    if (p.importance) p.importance[i] = float(score.value());
  }
  return {};
}

}  // namespace

const Op<GatedRmsNormParams> gated_rms_norm = {supports_all, run};

}  // namespace skipscan::cpu::reference
