// Products of one or two rows with bf16 weights, where there is AMX. The matrix unit takes weights from memory more slowly than
// vectors do, and with so few rows memory is all that counts. So vectors compute what the matrix unit does (linear_amx.cc), in
// its order, to the bit: over 32 inputs it sums products of even and of odd inputs apart, each product and sum rounded once,
// then adds both, then adds that to the sums so far. (It takes numbers below 2^-126 for zero; so does the pool.)
#include "cpu/bf16_parts.h"
#include "cpu/linear.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

constexpr int64_t kStep = 32;  // inputs

// A row of inputs in bf16 parts, as float32: (steps, parts, kStep).
template <int parts>
void split_row(const float* x, int64_t count, float* out) {
  for (int64_t i = 0; i < count; i += kStep, out += parts * kStep) {
    for (int64_t j = 0; j < kStep; j += kWidth) {
      __m512 v = i + j < count ? load_some(x + i + j, count - i - j).v : _mm512_setzero_ps();
      if constexpr (parts == 1) v = rounded(v);
#pragma GCC unroll 3
      for (int part = 0; part < parts; ++part) {
        _mm512_storeu_ps(out + part * kStep + j, upper_part(v));
        v = lower_part(v);
      }
    }
  }
}

// M rows, row_floats apart, times P panels.
template <int parts, int M, int P>
[[gnu::noinline]] void multiply_panels(const float* x, int64_t row_floats, int64_t steps, const std::byte* panel,
                                       int64_t panel_bytes, const Output& out) {
  constexpr int64_t kAhead = 2048;  // bytes from the weights being read to those being fetched
  constexpr int V = 2 * P;
  Vec sums[M][V];
  for (int j = 0; j < V; ++j) {
    const int64_t column = j * kWidth;
    const bool biased = out.bias && column < out.columns;
    for (int i = 0; i < M; ++i) sums[i][j] = biased ? load_some(out.bias + column, out.columns - column) : set1(0);
  }
  const auto* w = reinterpret_cast<const bf16*>(panel);
  for (int64_t step = 0; step < steps; ++step, x += parts * kStep) {
    Vec even[parts][M][V], odd[parts][M][V];
#pragma GCC unroll 3
    for (int part = 0; part < parts; ++part) {
      clear(even[part]);
      clear(odd[part]);
    }
    for (int64_t k = 0; k < kStep; k += 2, w += 2 * kPanel) {
#pragma GCC unroll 4
      for (int j = 0; j < V; ++j) {
        const bf16* at = w + j / 2 * (panel_bytes / int64_t(sizeof(bf16))) + j % 2 * 2 * kWidth;
        __builtin_prefetch(at + kAhead / int64_t(sizeof(bf16)), 0, 2);
        Vec w0, w1;
        load_pairs(at, w0, w1);
#pragma GCC unroll 2
        for (int i = 0; i < M; ++i) {
#pragma GCC unroll 3
          for (int part = 0; part < parts; ++part) {
            const float* pair = x + i * row_floats + part * kStep + k;
            even[part][i][j] = fma(set1(pair[0]), w0, even[part][i][j]);
            odd[part][i][j] = fma(set1(pair[1]), w1, odd[part][i][j]);
          }
        }
      }
    }
#pragma GCC unroll 3
    for (int part = 0; part < parts; ++part)
      for (int i = 0; i < M; ++i)
        for (int j = 0; j < V; ++j) sums[i][j] = sums[i][j] + (even[part][i][j] + odd[part][i][j]);
  }
  for (int i = 0; i < M; ++i)
    for (int j = 0; j < V; ++j)
      if (j * kWidth < out.columns)
        store_some(out.y + i * out.y_stride + j * kWidth, sums[i][j], out.columns - j * kWidth);
}

template <int parts>
void run_rows(const LinearParams& p, ThreadPool& pool) {
  const WeightMatrix& weight = p.weight;
  const int64_t steps = weight.depth() / kStep, panels = weight.panels(), row_floats = steps * parts * kStep;
  pool.reserve_shared(size_t(p.rows * row_floats) * sizeof(float));
  float* const x = pool.shared<float>();
  for (int64_t r = 0; r < p.rows; ++r) split_row<parts>(p.x.f32() + r * p.x_stride, weight.cols, x + r * row_floats);
  const int64_t per_task = panels_per_task(panels, 1, pool.threads());
  pool.parallel_for(ceil_div(panels, per_task), [&](int64_t task, int) {
    const int64_t end = min((task + 1) * per_task, panels);
    for (int64_t panel = task * per_task; panel < end;) {
      const auto* w = static_cast<const std::byte*>(weight.data) + panel * weight.panel_bytes();
      const int64_t column = panel * kPanel, bytes = weight.panel_bytes();
      const Output out = {.y = p.y.f32() + column,
                          .y_stride = p.y_stride,
                          .columns = weight.rows - column,
                          .bias = p.bias ? p.bias + column : nullptr,
                          .add = false};
      // A single part and row has too few sums in flight, so it takes two panels at once.
      const bool two = parts == 1 && p.rows == 1 && panel + 2 <= end;
      if (two)
        multiply_panels<parts, 1, 2>(x, row_floats, steps, w, bytes, out);
      else if (p.rows == 1)
        multiply_panels<parts, 1, 1>(x, row_floats, steps, w, bytes, out);
      else
        multiply_panels<parts, 2, 1>(x, row_floats, steps, w, bytes, out);
      panel += two ? 2 : 1;
    }
  });
}

}  // namespace

void multiply_bf16_rows(const LinearParams& p, ExecContext& ctx) {
  if (ctx.bf16_inputs)
    run_rows<1>(p, ctx.pool);
  else
    run_rows<3>(p, ctx.pool);
}

}  // namespace skipscan::cpu::SKIPSCAN_ISA
