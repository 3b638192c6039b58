// RMS normalisation, plain with the residual sum fused in, and gated. Squares are summed in float32, in the lanes of
// four vectors, so that no partial sum has many terms.
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

// Calls visit(c, n) for every vector of [0, size), where n elements are left from c on, and sums the squares of what it
// returns, whose lanes from n on must be 0.
template <class Visit>
float sum_of_squares(int64_t size, const Visit& visit) {
  Vec total[4] = {set1(0), set1(0), set1(0), set1(0)};
  int64_t c = 0;
  for (; c + 4 * kWidth <= size; c += 4 * kWidth)
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const Vec v = visit(c + i * kWidth, int64_t(kWidth));
      total[i] = fma(v, v, total[i]);
    }
  for (; c < size; c += kWidth) {
    const Vec v = visit(c, size - c);
    total[0] = fma(v, v, total[0]);
  }
  return sum((total[0] + total[1]) + (total[2] + total[3]));
}

float inverse_norm(float squares, int64_t size, float eps) { return 1 / __builtin_sqrtf(squares / float(size) + eps); }

void rms_norm_row(const RmsNormParams& p, int64_t row) {
  const float *x = p.x + row, *residual = p.residual_in ? p.residual_in + row : nullptr;
  float *sums = p.residual_out ? p.residual_out + row : nullptr, *out = p.out + row;
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

void gate_then_norm(const float* y, const float* z, const float* weight, float* out, int64_t size, float eps) {
  const float squares = sum_of_squares(size, [&](int64_t c, int64_t n) {
    const Vec v = load_some(y + c, n) * silu(load_some(z + c, n));
    store_some(out + c, v, n);
    return v;
  });
  const Vec scale = set1(inverse_norm(squares, size, eps));
  for (int64_t c = 0; c < size; c += kWidth) {
    const int64_t n = size - c;
    store_some(out + c, load_some(out + c, n) * scale * load_some(weight + c, n), n);
  }
}

void norm_then_gate(const float* y, const float* z, const float* weight, float* out, int64_t size, float eps) {
  const float squares = sum_of_squares(size, [&](int64_t c, int64_t n) { return load_some(y + c, n); });
  const Vec scale = set1(inverse_norm(squares, size, eps));
  for (int64_t c = 0; c < size; c += kWidth) {
    const int64_t n = size - c;
    const Vec normed = load_some(y + c, n) * scale * load_some(weight + c, n);
    store_some(out + c, normed * silu(load_some(z + c, n)), n);
  }
}

Status run_rms_norm(const RmsNormParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  parallel_rows(ctx.pool, p.rows, p.dim, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) rms_norm_row(p, row * p.dim);
  });
  return {};
}

Status run_gated_rms_norm(const GatedRmsNormParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  const auto normalise = p.norm_before_gate ? norm_then_gate : gate_then_norm;
  parallel_rows(ctx.pool, p.rows, p.dim, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float *y = p.y + row * p.dim, *z = p.z + row * p.z_stride;
      float* out = p.out + row * p.dim;
      for (int64_t c = 0; c < p.dim; c += p.group_size)
        normalise(y + c, z + c, p.weight + c, out + c, p.group_size, p.eps);
    }
  });
  return {};
}

}  // namespace

const Op<RmsNormParams> rms_norm = {supports_all, run_rms_norm};
const Op<GatedRmsNormParams> gated_rms_norm = {supports_all, run_gated_rms_norm};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
