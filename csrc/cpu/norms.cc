// RMS normalisation, plain with the residual sum fused in, and gated with scores on the way.
#include "cpu/importance.h"
#include "cpu/kernels.h"
#include "cpu/sums.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

// The sum of the squares of what visit(c, n) returns, whose lanes from n on must be 0.
template <class Visit>
float sum_of_squares(int64_t size, const Visit& visit) {
  return total(size, [&](Vec& sum, int64_t c, int64_t n) {
    const Vec v = visit(c, n);
    sum = fma(v, v, sum);
  });
}

float inverse_norm(float squares, int64_t size, float eps) { return 1 / __builtin_sqrtf(squares / float(size) + eps); }

void rms_norm_row(const RmsNormParams& p, int64_t row) {
  const int64_t from = (p.index ? p.index[row] : row) * p.dim, to = row * p.dim;
  const float *x = p.x + from, *residual = p.residual_in ? p.residual_in + from : nullptr;
  float *sums = p.residual_out ? p.residual_out + to : nullptr, *out = p.out + to;
  const auto sum_at = [&](int64_t c, int64_t n) {
    const Vec v = load_some(x + c, n);
    return residual ? v + load_some(residual + c, n) : v;
  };
  const float squares = sum_of_squares(p.dim, [&](int64_t c, int64_t n) {
    const Vec s = sum_at(c, n);
    if (sums) store_some(sums + c, s, n);
    return s;
  });
  const Vec scale = set1(inverse_norm(squares, p.dim, p.eps));
  for (int64_t c = 0; c < p.dim; c += kWidth) {
    const int64_t n = p.dim - c;
    const Vec s = sums ? load_some(sums + c, n) : sum_at(c, n);  // sums may have taken the place of x or residual
    store_some(out + c, s * scale * load_some(p.weight + c, n), n);
  }
}

// Normalises one group; calls put(out, v, n) for every vector of its results.
template <class Put>
void gate_then_norm(const float* y, const float* z, const float* weight, float* out, int64_t size, float eps,
                    const Put& put) {
  const float squares = sum_of_squares(size, [&](int64_t c, int64_t n) {
    const Vec v = load_some(y + c, n) * silu(load_some(z + c, n));
    store_some(out + c, v, n);
    return v;
  });
  const Vec scale = set1(inverse_norm(squares, size, eps));
  for (int64_t c = 0; c < size; c += kWidth) {
    const int64_t n = size - c;
    put(out + c, load_some(out + c, n) * scale * load_some(weight + c, n), n);
  }
}

template <class Put>
void norm_then_gate(const float* y, const float* z, const float* weight, float* out, int64_t size, float eps,
                    const Put& put) {
  const float squares = sum_of_squares(size, [&](int64_t c, int64_t n) { return load_some(y + c, n); });
  const Vec scale = set1(inverse_norm(squares, size, eps));
  for (int64_t c = 0; c < size; c += kWidth) {
    const int64_t n = size - c;
    const Vec normed = load_some(y + c, n) * scale * load_some(weight + c, n);
    put(out + c, normed * silu(load_some(z + c, n)), n);
  }
}

template <class Put>
void gated_rms_norm_row(const GatedRmsNormParams& p, int64_t row, const Put& put) {
  const float *y = p.y + row * p.dim, *z = p.z + row * p.z_stride;
  float* out = p.out + row * p.dim;
  for (int64_t c = 0; c < p.dim; c += p.group_size) {
    if (p.norm_before_gate)
      norm_then_gate(y + c, z + c, p.weight + c, out + c, p.group_size, p.eps, put);
    else
      gate_then_norm(y + c, z + c, p.weight + c, out + c, p.group_size, p.eps, put);
  }
}

float gated_rms_norm_and_score_row(const GatedRmsNormParams& p, int64_t row) {
  Vec total = set1(0);
  gated_rms_norm_row(p, row, [&](float* out, Vec v, int64_t n) {
    store_some(out, v, n);
    total = add_channels(p.metric, total, v);  // lanes from n on are 0
  });
  return score(p.metric, sum(total) / float(p.dim));
}

Status run_rms_norm(const RmsNormParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  parallel_rows(ctx.pool, p.rows, p.dim, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) rms_norm_row(p, row);
  });
  return {};
}

Status run_gated_rms_norm(const GatedRmsNormParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  parallel_rows(ctx.pool, p.rows, p.dim, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      if (p.importance)
        p.importance[row] = gated_rms_norm_and_score_row(p, row);
      else
        gated_rms_norm_row(p, row, [](float* out, Vec v, int64_t n) { store_some(out, v, n); });
    }
  });
  return {};
}

}  // namespace

const Op<RmsNormParams> rms_norm = {supports_all, run_rms_norm};
const Op<GatedRmsNormParams> gated_rms_norm = {supports_all, run_gated_rms_norm};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
